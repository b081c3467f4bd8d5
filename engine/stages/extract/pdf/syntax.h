// The bytes of PDF syntax (ISO 32000-1, 7.2 and 7.3): classes of characters, and scanning that
// makes no objects.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/stages/extract/pdf/byte_buffer.h"

namespace penstock::pdf {

enum class CharClass : std::uint8_t { regular, number, space, delimiter };

constexpr std::array<CharClass, 256> make_char_classes() {
  std::array<CharClass, 256> classes{};
  for (const char c : std::string_view("0123456789+-."))
    classes[static_cast<Byte>(c)] = CharClass::number;
  for (const char c : std::string_view("()<>[]{}/%"))
    classes[static_cast<Byte>(c)] = CharClass::delimiter;
  for (const int c : {0, 9, 10, 12, 13, 32})
    classes[static_cast<std::size_t>(c)] = CharClass::space;
  return classes;
}

inline constexpr std::array<CharClass, 256> char_classes = make_char_classes();

inline CharClass class_of(Byte byte) {
  return char_classes[byte];
}
// Part of a name, a number or an operator.
inline bool is_regular(Byte byte) {
  return class_of(byte) <= CharClass::number;
}
inline bool is_digit(Byte byte) {
  return byte >= '0' && byte <= '9';
}
// 0 to 15, or -1.
int hex_digit(Byte byte);

// Behind white space and comments.
const Byte* skip_space(const Byte* at, const Byte* end);
// Behind one value, whatever it is and however deep: strings, arrays and dictionaries whole.
const Byte* skip_value(const Byte* at, const Byte* end);
// Behind the literal string whose '(' was just read.
const Byte* skip_literal(const Byte* at, const Byte* end);

// The number at `at`, read as far as it is one: "-.5", "4." and "--5" are numbers in the wild, and
// what is none is 0.
double parse_number(const Byte* at, const Byte* end);

// Decode a string, whose '(' or '<' was just read, onto `out`; it may be the string's own place,
// since it never grows. Return the place behind the string; `size` is the decoded length.
const Byte* decode_literal(const Byte* at, const Byte* end, Byte* out, std::size_t& size);
const Byte* decode_hex(const Byte* at, const Byte* end, Byte* out, std::size_t& size);

// A name's text, "#20" and the like decoded.
std::string decode_name(std::string_view name);

// One value in the bytes of a file: not parsed, and no longer valid than those.
class RawValue {
 public:
  RawValue(const Byte* begin, const Byte* end) : begin_(begin), end_(end) {}

  struct Reference {
    int number;
    int generation;
  };

  bool is_name(std::string_view name) const;
  bool is_null() const;
  std::optional<Reference> reference() const;
  std::optional<std::int64_t> integer() const;
  // The array's only element, or the value itself if it is no array; absent for other arrays.
  std::optional<RawValue> single() const;

  const Byte* begin() const { return begin_; }
  const Byte* end() const { return end_; }

 private:
  std::string_view view() const {
    return {reinterpret_cast<const char*>(begin_), static_cast<std::size_t>(end_ - begin_)};
  }

  const Byte* begin_;
  const Byte* end_;  // may have white space before it
};

// Calls visit(name, value) for each entry of the dictionary at `at`, values with their references
// whole. Returns the place behind the dictionary, or null if it is none or is damaged.
template <typename Visit>
const Byte* for_each_entry(const Byte* at, const Byte* end, Visit visit) {
  if (end - at < 4 || at[0] != '<' || at[1] != '<') return nullptr;
  at += 2;
  for (;;) {
    at = skip_space(at, end);
    if (at >= end) return nullptr;
    if (*at == '>') return end - at >= 2 && at[1] == '>' ? at + 2 : nullptr;
    if (*at != '/') return nullptr;
    const Byte* const name = ++at;
    while (at < end && is_regular(*at)) ++at;
    const std::string_view key(reinterpret_cast<const char*>(name),
                               static_cast<std::size_t>(at - name));
    const Byte* const value = skip_space(at, end);
    if (value >= end) return nullptr;
    at = skip_value(value, end);
    if (is_digit(*value)) {
      // A number, or the first of the three words of a reference.
      const Byte* generation = skip_space(at, end);
      const Byte* after = generation;
      while (after < end && is_digit(*after)) ++after;
      const Byte* const word = skip_space(after, end);
      if (after > generation && word < end && *word == 'R') at = word + 1;
    }
    visit(key, RawValue(value, at));
  }
}

}  // namespace penstock::pdf
