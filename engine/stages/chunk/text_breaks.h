// Where a text may be cut, and how well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock {

// In rising order of what a reader would accept as an end.
enum class TextBreak { none, word, sentence, paragraph };

// What ends at `offset`, between two characters of `text`. A paragraph ends at a blank line. A
// sentence ends with . ! ? and white space before what is not a lower-case letter, or with a full
// stop of a script without spaces. A word ends at white space, and anywhere in such a script. White
// space may stand on either side of the cut.
TextBreak break_at(std::string_view text, std::size_t offset);

// White space here is what the extractor leaves: ASCII white space, no-break and wide spaces.
bool is_blank(std::string_view text);
// `text` without white space at its ends; a view into it.
std::string_view trimmed(std::string_view text);

// Where the full stop of a script without spaces ends that `text` begins with, if a letter follows;
// else 0.
std::size_t stop_before_letter_end(std::string_view text);

bool has_letter_or_digit(std::string_view text);
std::uint64_t count_characters(std::string_view text);
// The last start of a character at or before `offset`; the text's end counts as one.
std::size_t character_start(std::string_view text, std::size_t offset);

}  // namespace penstock
