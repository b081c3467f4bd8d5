// PDFs show right-to-left text as it looks: each line from left to right, glyph by glyph, with the
// words back to front; or each glyph where it belongs, in the order of reading. Both come to the
// same once the glyphs are sorted by position. What is left is the Unicode bidirectional algorithm
// backwards: the line is read from the right, and the islands in it that run from left to right
// (Latin words, numbers) keep their order. A line that is mostly Latin is read from the left with
// islands of the other kind. The algorithm forgets some things (on which side of a number a dash
// at its edge was written); there the likelier reading is taken.
#include "engine/stages/extract/layout/right_to_left.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "engine/stages/extract/layout/scripts.h"
#include "engine/stages/extract/layout/spans.h"

namespace penstock::layout {
namespace {

void append_decoded(std::string_view utf8, std::u32string& codes) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(utf8.data());
  const auto size = static_cast<std::int32_t>(utf8.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 code;
    U8_NEXT_OR_FFFD(bytes, at, size, code);
    codes += static_cast<char32_t>(code);
  }
}

void append_encoded(UChar32 code, std::string& utf8) {
  std::array<std::uint8_t, U8_MAX_LENGTH> bytes;
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, code);
  utf8.append(reinterpret_cast<const char*>(bytes.data()), size);
}

bool is_latin(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }) &&
         !has_right_to_left(text);
}

bool is_presentation_form(char32_t code) {
  return (code >= 0xFB1D && code <= 0xFDFF) || (code >= 0xFE70 && code <= 0xFEFE);
}

int bracket_turn(char32_t code) {
  const std::int32_t type =
      u_getIntPropertyValue(static_cast<UChar32>(code), UCHAR_BIDI_PAIRED_BRACKET_TYPE);
  return type == U_BPT_OPEN ? 1 : type == U_BPT_CLOSE ? -1 : 0;
}

}  // namespace

RightToLeft::RightToLeft()
    : compatibility_([] {
        UErrorCode status = U_ZERO_ERROR;
        const UNormalizer2* nfkc = unorm2_getNFKCInstance(&status);
        assert(U_SUCCESS(status));  // the data is part of the library
        return nfkc;
      }()) {}

void RightToLeft::add(float begin, float stop, float height, bool backwards,
                      std::string_view utf8) {
  parts_.push_back({begin, stop, height, backwards, utf8});
}

void RightToLeft::append_line(std::string& utf8) {
  lay_out();
  parts_.clear();
  classify();
  logical_.clear();
  mirrored_.clear();
  if (is_right_to_left())
    read_from_right(0, visual_.size());
  else
    read_from_left();
  straighten_brackets();
  for (const char32_t code : logical_) write(code, utf8);
}

// A line is of the kind of the words at both of its ends; if those differ, of most of its words.
bool RightToLeft::is_right_to_left() const {
  int balance = 0;
  Kind first = Kind::neutral;
  Kind last = Kind::neutral;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i] != Kind::left && kinds_[i] != Kind::right) continue;
    if (first == Kind::neutral) first = kinds_[i];
    last = kinds_[i];
    if (i == 0 || kinds_[i - 1] != last) balance += last == Kind::right ? 1 : -1;
  }
  if (first == last) return first == Kind::right;
  return balance > 0 || (balance == 0 && page_is_right_to_left_);
}

void RightToLeft::lay_out() {
  std::stable_sort(parts_.begin(), parts_.end(),
                   [](const Part& a, const Part& b) { return a.begin < b.begin; });
  visual_.clear();
  float stop = parts_.empty() ? 0 : parts_.front().stop;
  for (const Part& part : parts_) {
    if (!visual_.empty() && visual_.back() != ' ' && part.begin - stop > space_gap * part.height)
      visual_ += ' ';
    const auto start = static_cast<std::ptrdiff_t>(visual_.size());
    append_decoded(part.text, visual_);
    if (part.backwards) std::reverse(visual_.begin() + start, visual_.end());
    // Word processors leave the space behind a Latin word at its right end, where the word before
    // it stands; it belongs to its left.
    if (start > 0 && visual_.back() == ' ' && visual_[static_cast<std::size_t>(start) - 1] != ' ' &&
        is_latin(part.text))
      std::rotate(visual_.begin() + start, visual_.end() - 1, visual_.end());
    stop = std::max(stop, part.stop);
  }
}

void RightToLeft::classify() {
  kinds_.clear();
  for (const char32_t code : visual_) {
    switch (u_charDirection(static_cast<UChar32>(code))) {
      case U_LEFT_TO_RIGHT:
        kinds_.push_back(Kind::left);
        break;
      case U_RIGHT_TO_LEFT:
      case U_RIGHT_TO_LEFT_ARABIC:
        kinds_.push_back(Kind::right);
        break;
      case U_EUROPEAN_NUMBER:
      case U_ARABIC_NUMBER:
        kinds_.push_back(Kind::number);
        break;
      case U_EUROPEAN_NUMBER_SEPARATOR:
      case U_COMMON_NUMBER_SEPARATOR:
        kinds_.push_back(Kind::separator);
        break;
      case U_EUROPEAN_NUMBER_TERMINATOR: {
        // Signs of percent and currency belong to the number they touch.
        const std::size_t at = kinds_.size();
        const bool after = at > 0 && kinds_[at - 1] == Kind::number;
        const bool before =
            at + 1 < visual_.size() && u_isdigit(static_cast<UChar32>(visual_[at + 1])) != 0;
        kinds_.push_back(after || before ? Kind::number : Kind::neutral);
        break;
      }
      default:
        kinds_.push_back(Kind::neutral);
    }
  }
}

// Digits, with single separators among them: 3.14, 31/12/1999, 10-20.
std::size_t RightToLeft::number_end(std::size_t begin, std::size_t end) const {
  std::size_t at = begin;
  while (at < end) {
    if (kinds_[at] == Kind::number)
      ++at;
    else if (at > begin && kinds_[at] == Kind::separator && at + 1 < end &&
             kinds_[at + 1] == Kind::number)
      ++at;
    else
      break;
  }
  return at;
}

// The end of what runs from left to right from `begin` on; `begin` itself if nothing does. Words
// hold together across what is between them; a number takes part in that behind a word only.
std::size_t RightToLeft::island_end(std::size_t begin, std::size_t end) const {
  std::size_t at = number_end(begin, end);
  if (at == end || kinds_[at] != Kind::left) return at;
  std::size_t last = at;
  for (; at < end && kinds_[at] != Kind::right; ++at)
    if (kinds_[at] == Kind::left || kinds_[at] == Kind::number) last = at + 1;
  return last;
}

void RightToLeft::read_from_right(std::size_t begin, std::size_t end) {
  islands_.clear();
  for (std::size_t at = begin; at < end;) {
    const std::size_t island = island_end(at, end);
    if (island > at) islands_.emplace_back(at, island);
    at = std::max(island, at + 1);
  }
  std::size_t at = end;
  while (at > begin) {
    if (!islands_.empty() && islands_.back().second == at) {
      const auto [first, last] = islands_.back();
      islands_.pop_back();
      logical_.append(visual_, first, last - first);
      at = first;
      continue;
    }
    const char32_t code = visual_[--at];
    const auto mirror = static_cast<char32_t>(u_charMirror(static_cast<UChar32>(code)));
    if (mirror != code) mirrored_.push_back(logical_.size());
    logical_ += mirror;
  }
}

void RightToLeft::read_from_left() {
  for (std::size_t at = 0; at < visual_.size();) {
    if (kinds_[at] != Kind::right) {
      logical_ += visual_[at++];
      continue;
    }
    std::size_t last = at + 1;
    for (std::size_t next = last; next < visual_.size() && kinds_[next] != Kind::left; ++next)
      if (kinds_[next] == Kind::right) last = next + 1;
    read_from_right(at, last);
    at = last;
  }
}

// Some documents say of a bracket how it looks, others what it means; turned around for the former,
// those of the latter end up closing before they open.
void RightToLeft::straighten_brackets() {
  int depth = 0;
  int wrong = 0;
  int right = 0;
  for (const std::size_t at : mirrored_) {
    const int turn = bracket_turn(logical_[at]);
    if (turn < 0 && depth <= 0) ++wrong;
    if (turn < 0 && depth > 0) ++right;
    depth += turn;
  }
  if (wrong <= right) return;
  for (const std::size_t at : mirrored_)
    logical_[at] = static_cast<char32_t>(u_charMirror(static_cast<UChar32>(logical_[at])));
}

// Letters in the shape that their place in a word gives them become the letter as such; NFC leaves
// them. What stands alone on a space (U+FE70 to U+FE7F) loses it: the mark is its word's.
void RightToLeft::write(char32_t code, std::string& utf8) const {
  if (is_presentation_form(code)) {
    std::array<UChar, 32> letters;
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t size =
        unorm2_getDecomposition(compatibility_, static_cast<UChar32>(code), letters.data(),
                                static_cast<std::int32_t>(letters.size()), &status);
    if (U_SUCCESS(status) && size > 0) {
      for (std::int32_t at = letters[0] == ' ' ? 1 : 0; at < size;) {
        UChar32 letter;
        U16_NEXT(letters.data(), at, size, letter);
        append_encoded(letter, utf8);
      }
      return;
    }
  }
  append_encoded(static_cast<UChar32>(code), utf8);
}

}  // namespace penstock::layout
