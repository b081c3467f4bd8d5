// Any valid text, in pages of any size: chunks cover it, keep their limit and count exactly. The
// tokenizer is below it; any bytes are its input, too.
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/stages/chunk/chunker.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer shared(Encoding::o200k_base);
  return shared;
}

void check_tokens(std::string_view bytes) {
  REQUIRE(tokenizer().encode(bytes).size() == tokenizer().count(bytes));
}

void check_chunks(std::string_view utf8, std::uint32_t tokens_max, std::size_t page_bytes) {
  Text text{std::string(utf8), {}};
  for (std::size_t end = page_bytes; end < utf8.size(); end += page_bytes) {
    std::size_t at = end;
    while (at < utf8.size() && (static_cast<unsigned char>(utf8[at]) & 0xC0) == 0x80) ++at;
    text.page_ends.push_back(at);
  }
  text.page_ends.push_back(utf8.size());

  const ChunkOptions options{tokens_max, tokens_max / 4};
  std::size_t covered = 0;
  std::uint32_t ordinal = 0;
  const std::vector<Chunk> chunks = chunk_text(text, tokenizer(), options);
  for (const Chunk& chunk : chunks) {
    REQUIRE(chunk.ordinal == ordinal++);
    REQUIRE(chunk.tokens == tokenizer().count(chunk.text));
    REQUIRE(chunk.tokens <= tokens_max);
    REQUIRE(simdjson::validate_utf8(chunk.text.data(), chunk.text.size()));
    const auto begin = static_cast<std::size_t>(chunk.text.data() - text.utf8.data());
    REQUIRE(begin <= covered && begin + chunk.text.size() > covered);
    covered = begin + chunk.text.size();
    REQUIRE(chunk.page_first >= 1 && chunk.page_first <= chunk.page_last);
    REQUIRE(chunk.page_last <= text.page_ends.size());
    REQUIRE(chunk.char_begin < chunk.char_end);
  }
  REQUIRE(chunks.empty() || covered == utf8.size());
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  penstock::check_tokens(bytes);
  if (simdjson::validate_utf8(bytes.data(), bytes.size()))
    penstock::check_chunks(bytes, 16 + data[0] % 64, 1 + data[1]);
  return 0;
}
