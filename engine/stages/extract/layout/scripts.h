// What the scripts of a text ask of its assembly, told from UTF-8 without decoding all of it.
#pragma once

#include <string_view>

namespace penstock::layout {

// What a page's text may need that most do not.
struct TextTraits {
  bool right_to_left = false;   // has such letters
  bool ideographs = false;      // may have some
  bool doubled_spaces = false;  // may have some
  bool spaced_letters = false;  // may have some: single bytes between spaces, in a row
};

TextTraits traits_of(std::string_view utf8);

// Hebrew, Arabic and their kin, presentation forms included.
bool has_right_to_left(std::string_view utf8);

// Of its letters, most are.
bool is_mostly_right_to_left(std::string_view utf8);

// Ideographs, kana and full-width forms, which stand next to each other without spaces. Hangul is
// not among them: Korean has spaces.
bool starts_ideographic(std::string_view utf8);
bool ends_ideographic(std::string_view utf8);

// One letter and nothing else; no digit and no sign.
bool is_one_letter(std::string_view utf8);

}  // namespace penstock::layout
