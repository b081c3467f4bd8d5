// Cuts a text into the pieces that byte-pair encoding works on, as the encodings' regular
// expressions do, without a regular-expression engine.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {

// Where the piece that begins at `begin` ends. `text` is valid UTF-8, begin < text.size(). A piece
// depends on what follows it only by whether white space goes on. Linear over all pieces of a text.
std::size_t piece_end(Encoding encoding, std::string_view text, std::size_t begin);

}  // namespace penstock
