#include "engine/stages/chunk/text_breaks.h"

#include <algorithm>

#include "engine/stages/tokenize/unicode_class.h"

namespace penstock {
namespace {

// The character that begins at `at`; 0 at the end.
std::uint32_t character_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<std::uint32_t>(text[at + i]) & 0x3F : 0u;
  };
  const auto lead = static_cast<std::uint32_t>(text[at]) & 0xFF;
  if (lead < 0x80) return lead;
  if (lead < 0xE0) return (lead & 0x1F) << 6 | byte(1);
  if (lead < 0xF0) return (lead & 0x0F) << 12 | byte(1) << 6 | byte(2);
  return (lead & 0x07) << 18 | byte(1) << 12 | byte(2) << 6 | byte(3);
}

// Where the character that ends at `end` begins.
std::size_t previous(std::string_view text, std::size_t end) {
  return character_start(text, end - 1);
}

bool is_space(std::uint32_t c) {
  return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// Scripts written without spaces between words: Thai to Burmese, Khmer, Chinese, Japanese.
bool is_spaceless(std::uint32_t c) {
  return (c >= 0x0E00 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF) ||
         (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_closing(std::uint32_t c) {
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0x201D || c == 0x2019 || c == 0xBB ||
         c == 0x300D || c == 0x300F || c == 0xFF09;
}

bool is_stop(std::uint32_t c) {
  return c == '.' || c == '!' || c == '?' || c == 0x2026;
}
bool is_wide_stop(std::uint32_t c) {
  return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF61;
}

}  // namespace

TextBreak break_at(std::string_view text, std::size_t offset) {
  // The solid character before the cut, and the newlines between it and the cut.
  std::size_t end = offset;
  int newlines = 0;
  while (end > 0) {
    const std::size_t at = previous(text, end);
    if (!is_space(character_at(text, at))) break;
    newlines += text[at] == '\n' ? 1 : 0;
    end = at;
  }
  const std::uint32_t next = character_at(text, offset);
  if (newlines >= 2 && next != '\n') return TextBreak::paragraph;

  const bool spaced = end < offset || is_space(next);
  if (end == 0) return spaced ? TextBreak::word : TextBreak::none;
  const std::uint32_t last = character_at(text, previous(text, end));
  std::size_t stop_end = end;
  while (stop_end > 0 && is_closing(character_at(text, previous(text, stop_end))))
    stop_end = previous(text, stop_end);
  const std::uint32_t stop =
      stop_end > 0 ? character_at(text, previous(text, stop_end)) : std::uint32_t{0};
  if (is_wide_stop(stop) && !is_closing(next)) return TextBreak::sentence;
  if (spaced && is_stop(stop)) {
    std::size_t begin = offset;
    while (begin < text.size() && is_space(character_at(text, begin)))
      begin = classify(text, begin).end;
    if (begin == text.size() || (classify(text, begin).char_class & lower) == 0)
      return TextBreak::sentence;
  }
  if (spaced || is_spaceless(next) || is_spaceless(last)) return TextBreak::word;
  return TextBreak::none;
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size() && is_space(character_at(text, begin)))
    begin = classify(text, begin).end;
  std::size_t end = text.size();
  while (end > begin) {
    const std::size_t at = previous(text, end);
    if (!is_space(character_at(text, at))) break;
    end = at;
  }
  return text.substr(begin, end - begin);
}

bool is_blank(std::string_view text) {
  return trimmed(text).empty();
}

std::size_t stop_before_letter_end(std::string_view text) {
  if (!is_wide_stop(character_at(text, 0))) return 0;
  const std::size_t end = classify(text, 0).end;
  return end < text.size() && (classify(text, end).char_class & letter) != 0 ? end : 0;
}

bool has_letter_or_digit(std::string_view text) {
  const std::size_t none = run_end(text, 0, other | space | mark);
  return none < text.size();
}

std::uint64_t count_characters(std::string_view text) {
  return static_cast<std::uint64_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::size_t character_start(std::string_view text, std::size_t offset) {
  while (offset > 0 && offset < text.size() &&
         (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80)
    --offset;
  return offset;
}

}  // namespace penstock
