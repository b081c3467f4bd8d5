// The character classes that the encodings' patterns speak of.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock {

// One bit each, so that a set of classes is a mask.
enum CharClass : std::uint8_t {
  other = 1,      // none of the below: punctuation, symbols, controls, what is unassigned
  space = 2,      // White_Space
  number = 4,     // \p{N}
  upper = 8,      // \p{Lu} and \p{Lt}
  lower = 16,     // \p{Ll}
  caseless = 32,  // \p{Lm} and \p{Lo}
  mark = 64,      // \p{M}
};

inline constexpr std::uint8_t letter = upper | lower | caseless;

// Where the run of characters whose class is in `mask` that begins at `at` ends; `at` itself if
// there is none. `text` is valid UTF-8.
std::size_t run_end(std::string_view text, std::size_t at, std::uint8_t mask);

// The class of the character at `at`, and where the next one begins. `at` < text.size().
struct ClassifiedChar {
  std::uint8_t char_class;
  std::size_t end;
};
ClassifiedChar classify(std::string_view text, std::size_t at);

}  // namespace penstock
