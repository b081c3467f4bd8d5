// Cuts a document's text into chunks.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/chunk.h"
#include "engine/core/text.h"
#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {

struct ChunkOptions {
  // More tokens a chunk: fewer vectors, coarser hits. At least 16.
  std::uint32_t tokens_max = 512;
  // Tokens that a chunk repeats of its predecessor's end, at most; more finds sentences at a cut
  // more often, and costs as much more embedding. Less than half of tokens_max.
  std::uint32_t overlap_tokens_max = 64;
};

// Chunks in order. Each holds at most tokens_max tokens, exactly counted; begins and ends between
// characters; ends at the end of a paragraph, else of a sentence, else of a word, else anywhere,
// the best that keeps it at least half full. Together they cover the text without a gap: dropping
// from each chunk what its predecessor already covered gives back the text. The views point into
// `text`, which must outlive them. A text without any letter or digit gives no chunks. Pure; any
// thread; time linear in the text.
std::vector<Chunk> chunk_text(const Text& text, const Tokenizer& tokenizer,
                              const ChunkOptions& options);

}  // namespace penstock
