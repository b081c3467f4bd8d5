// Raw text of a page to text that is fit to be searched and stored.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

enum class TextKind {
  typeset,  // out of a PDF: ligatures and hyphens at line ends are the typesetter's
  plain,    // as its author wrote it
};

// Appends the page to `utf8`: valid UTF-8 in NFC whatever comes in (U+FFFD for what is not UTF-8),
// no control characters but tab and newline, no private use characters or noncharacters, no spaces
// at line ends, no more than one blank line in a row, and a newline at its end unless it is empty.
//
// Typeset text also loses its Latin ligatures, marks of direction and soft hyphens, and a hyphen
// between a letter at a line's end and a lower-case letter at the next one's start: the two lines
// become one, and so does the word. A word with a hyphen before it ("state-of-the-") is a compound
// and keeps this one too.
void append_clean_page(std::string_view raw, TextKind kind, std::string& utf8);

}  // namespace penstock
