// The patterns, as tiktoken has them (openai_public.py, MIT):
//
// cl100k_base:
//   (?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3}
//   | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// o200k_base, with U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], W = [\p{Ll}\p{Lm}\p{Lo}\p{M}] and
// C = (?i:'s|'t|'re|'ve|'m|'ll|'d):
//   [^\r\n\p{L}\p{N}]?U*W+C? | [^\r\n\p{L}\p{N}]?U+W*C? | \p{N}{1,3}
//   | ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// Alternatives are tried in order, the first that matches wins; within one, as much as possible is
// taken and given back from the end. The functions below are these alternatives by name.

#include "engine/stages/tokenize/pretokenizer.h"

#include <string_view>

#include "engine/stages/tokenize/unicode_class.h"

namespace penstock {
namespace {

constexpr std::uint8_t symbol = other | mark;                 // [^\s\p{L}\p{N}]
constexpr std::uint8_t upper_like = upper | caseless | mark;  // U
constexpr std::uint8_t lower_like = lower | caseless | mark;  // W

bool is_newline(char c) {
  return c == '\r' || c == '\n';
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d): where it ends, or `at` if it is not there. Folding case, the long s
// (U+017F) is an s.
std::size_t contraction_end(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.size() < 2 || rest[0] != '\'') return at;
  const auto folded = [&](std::size_t i) {
    return i < rest.size() ? static_cast<char>(rest[i] | 0x20) : '\0';
  };
  switch (folded(1)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return at + 2;
    case 'r':
    case 'v':
      if (folded(2) == 'e') return at + 3;
      break;
    case 'l':
      if (folded(2) == 'l') return at + 3;
      break;
    default:
      break;
  }
  if (rest.substr(1).starts_with("\u017f")) return at + 3;
  return at;
}

// \p{N}{1,3}
std::size_t numbers_end(std::string_view text, std::size_t at) {
  for (int digits = 0; digits < 3 && at < text.size(); ++digits) {
    const ClassifiedChar c = classify(text, at);
    if ((c.char_class & number) == 0) break;
    at = c.end;
  }
  return at;
}

// [^\s\p{L}\p{N}]+[\r\n]*, in o200k_base [\r\n/]*
std::size_t symbols_end(Encoding encoding, std::string_view text, std::size_t at) {
  at = run_end(text, at, symbol);
  const bool slash = encoding == Encoding::o200k_base;
  while (at < text.size() && (is_newline(text[at]) || (slash && text[at] == '/'))) ++at;
  return at;
}

// \s*[\r\n]+ | \s+(?!\S) | \s+
std::size_t spaces_end(std::string_view text, std::size_t begin) {
  const std::size_t end = run_end(text, begin, space);
  for (std::size_t at = end; at > begin; --at)
    if (is_newline(text[at - 1])) return at;
  if (end == text.size()) return end;
  // What follows is no space, so the last space of several is left for the next piece.
  std::size_t last = end - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last > begin ? last : end;
}

// U*W+: where it ends, or `at` if it is not there.
std::size_t upper_then_lower_end(std::string_view text, std::size_t at) {
  std::size_t last_of_both = text.size();  // where the last character that is U and W begins ...
  std::size_t last_of_both_end = at;       // ... and ends
  std::size_t end = at;
  while (end < text.size()) {
    const ClassifiedChar c = classify(text, end);
    if ((c.char_class & upper_like) == 0) break;
    if ((c.char_class & lower_like) != 0) {
      last_of_both = end;
      last_of_both_end = c.end;
    }
    end = c.end;
  }
  const std::size_t lower_end = run_end(text, end, lower_like);
  if (lower_end > end) return lower_end;
  return last_of_both < text.size() ? last_of_both_end : at;
}

// U+W*: where it ends, or `at` if it is not there.
std::size_t upper_first_end(std::string_view text, std::size_t at) {
  const std::size_t end = run_end(text, at, upper_like);
  return end > at ? run_end(text, end, lower_like) : at;
}

// The first two alternatives of o200k_base, or `begin` if neither matches. `first` is the character
// at `begin`, `may_lead` whether it is in [^\r\n\p{L}\p{N}].
std::size_t cased_word_end(std::string_view text, std::size_t begin, ClassifiedChar first,
                           bool may_lead) {
  const auto try_both = [&](auto word_end) {
    if (may_lead) {
      const std::size_t end = word_end(text, first.end);
      if (end > first.end) return end;
    }
    return (first.char_class & (letter | mark)) != 0 ? word_end(text, begin) : begin;
  };
  std::size_t end = try_both(upper_then_lower_end);
  if (end == begin) end = try_both(upper_first_end);
  return end == begin ? begin : contraction_end(text, end);
}

}  // namespace

std::size_t piece_end(Encoding encoding, std::string_view text, std::size_t begin) {
  const ClassifiedChar first = classify(text, begin);
  const bool is_number = (first.char_class & number) != 0;
  const bool is_letter = (first.char_class & letter) != 0;
  const bool may_lead = !is_letter && !is_number && !is_newline(text[begin]);

  if (encoding == Encoding::cl100k_base) {
    const std::size_t contraction = contraction_end(text, begin);
    if (contraction > begin) return contraction;
    if (is_letter || may_lead) {
      const std::size_t end = run_end(text, first.end, letter);
      if (is_letter || end > first.end) return end;
    }
  } else {
    const std::size_t word = cased_word_end(text, begin, first, may_lead);
    if (word > begin) return word;
  }
  if (is_number) return numbers_end(text, begin);
  if ((first.char_class & symbol) != 0) return symbols_end(encoding, text, begin);
  if (text[begin] == ' ' && first.end < text.size() &&
      (classify(text, first.end).char_class & symbol) != 0)
    return symbols_end(encoding, text, first.end);
  return spaces_end(text, begin);
}

}  // namespace penstock
