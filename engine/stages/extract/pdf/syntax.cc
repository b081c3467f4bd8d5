#include "engine/stages/extract/pdf/syntax.h"

#include <cmath>
#include <limits>

namespace penstock::pdf {
namespace {

bool is_octal(Byte byte) {
  return byte >= '0' && byte <= '7';
}

std::optional<int> parse_int(const Byte*& at, const Byte* end) {
  const Byte* const begin = at;
  std::int64_t value = 0;
  while (at < end && is_digit(*at) && value <= std::numeric_limits<int>::max())
    value = value * 10 + (*at++ - '0');
  if (at == begin || value > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(value);
}

}  // namespace

int hex_digit(Byte byte) {
  if (is_digit(byte)) return byte - '0';
  const int letter = byte | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

const Byte* skip_space(const Byte* at, const Byte* end) {
  for (;;) {
    while (at < end && class_of(*at) == CharClass::space) ++at;
    if (at >= end || *at != '%') return at;
    while (at < end && *at != '\n' && *at != '\r') ++at;
  }
}

const Byte* skip_literal(const Byte* at, const Byte* end) {
  int depth = 1;
  while (at < end && depth > 0) {
    const Byte byte = *at++;
    if (byte == '\\') {
      if (at < end) ++at;
    } else if (byte == '(') {
      ++depth;
    } else if (byte == ')') {
      --depth;
    }
  }
  return at;
}

// A loop with a count, not a recursion: nesting is the file's to choose.
const Byte* skip_value(const Byte* at, const Byte* end) {
  int depth = 0;
  do {
    at = skip_space(at, end);
    if (at >= end) return end;
    const Byte byte = *at++;
    const bool doubled = at < end && *at == byte;
    if (byte == '(') {
      at = skip_literal(at, end);
    } else if (byte == '<' && !doubled) {
      while (at < end && *at != '>') ++at;
      if (at < end) ++at;
    } else if (byte == '<') {
      ++at;
      ++depth;
    } else if (byte == '[') {
      ++depth;
    } else if (byte == ']') {
      --depth;
    } else if (byte == '>') {
      if (doubled) ++at;
      --depth;
    } else if (byte == '/' || is_regular(byte)) {
      while (at < end && is_regular(*at)) ++at;
    }
  } while (depth > 0);
  return at;
}

double parse_number(const Byte* at, const Byte* end) {
  static constexpr std::array<double, 18> tenths = {1,     1e-1,  1e-2,  1e-3,  1e-4,  1e-5,
                                                    1e-6,  1e-7,  1e-8,  1e-9,  1e-10, 1e-11,
                                                    1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17};
  bool negative = false;
  for (; at < end && (*at == '-' || *at == '+'); ++at) negative |= *at == '-';
  // 17 digits fit; what is larger is no coordinate.
  std::int64_t mantissa = 0;
  int digits = 0;
  for (; at < end && is_digit(*at); ++at)
    if (digits < 17) mantissa = mantissa * 10 + (*at - '0'), ++digits;
  double value = static_cast<double>(mantissa);
  if (at < end && *at == '.') {
    std::int64_t fraction = 0;
    std::size_t places = 0;
    // "12.-34" is written by some producers and means 12.34.
    for (++at; at < end && (is_digit(*at) || *at == '-'); ++at)
      if (*at != '-' && places < 17) fraction = fraction * 10 + (*at - '0'), ++places;
    value += static_cast<double>(fraction) * tenths[places];
  }
  return negative ? -value : value;
}

const Byte* decode_literal(const Byte* at, const Byte* end, Byte* out, std::size_t& size) {
  Byte* const begin = out;
  int depth = 1;
  while (at < end) {
    const Byte byte = *at++;
    if (byte == ')') {
      if (--depth == 0) break;
      *out++ = byte;
    } else if (byte == '(') {
      ++depth;
      *out++ = byte;
    } else if (byte == '\r') {
      *out++ = '\n';
      if (at < end && *at == '\n') ++at;
    } else if (byte != '\\' || at >= end) {
      *out++ = byte;
    } else {
      const Byte escaped = *at++;
      switch (escaped) {
        case 'n':
          *out++ = '\n';
          break;
        case 'r':
          *out++ = '\r';
          break;
        case 't':
          *out++ = '\t';
          break;
        case 'b':
          *out++ = '\b';
          break;
        case 'f':
          *out++ = '\f';
          break;
        case '\n':
          break;
        case '\r':
          if (at < end && *at == '\n') ++at;
          break;
        default:
          if (is_octal(escaped)) {
            int code = escaped - '0';
            for (int i = 0; i < 2 && at < end && is_octal(*at); ++i)
              code = code * 8 + (*at++ - '0');
            *out++ = static_cast<Byte>(code);
          } else {
            *out++ = escaped;
          }
      }
    }
  }
  size = static_cast<std::size_t>(out - begin);
  return at;
}

const Byte* decode_hex(const Byte* at, const Byte* end, Byte* out, std::size_t& size) {
  Byte* const begin = out;
  int high = -1;
  for (; at < end && *at != '>'; ++at) {
    const int digit = hex_digit(*at);
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      *out++ = static_cast<Byte>(high << 4 | digit);
      high = -1;
    }
  }
  if (high >= 0) *out++ = static_cast<Byte>(high << 4);
  size = static_cast<std::size_t>(out - begin);
  return at < end ? at + 1 : at;
}

std::string decode_name(std::string_view name) {
  std::string decoded;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '#' && i + 2 < name.size()) {
      const int high = hex_digit(static_cast<Byte>(name[i + 1]));
      const int low = hex_digit(static_cast<Byte>(name[i + 2]));
      if (high >= 0 && low >= 0) {
        decoded += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    decoded += name[i];
  }
  return decoded;
}

bool RawValue::is_name(std::string_view name) const {
  const std::string_view text = view();
  return text.size() > name.size() && text[0] == '/' && text.substr(1, name.size()) == name &&
         (text.size() == name.size() + 1 || !is_regular(static_cast<Byte>(text[name.size() + 1])));
}

bool RawValue::is_null() const {
  return view().starts_with("null");
}

std::optional<RawValue::Reference> RawValue::reference() const {
  const Byte* at = begin_;
  const std::optional<int> number = parse_int(at, end_);
  if (!number) return std::nullopt;
  at = skip_space(at, end_);
  const std::optional<int> generation = parse_int(at, end_);
  if (!generation) return std::nullopt;
  at = skip_space(at, end_);
  if (at >= end_ || *at != 'R') return std::nullopt;
  return Reference{*number, *generation};
}

std::optional<std::int64_t> RawValue::integer() const {
  const Byte* at = begin_;
  const std::optional<int> number = parse_int(at, end_);
  if (!number || reference()) return std::nullopt;
  return *number;
}

std::optional<RawValue> RawValue::single() const {
  if (begin_ >= end_ || *begin_ != '[') return *this;
  const Byte* const first = skip_space(begin_ + 1, end_);
  if (first >= end_ || *first == ']') return std::nullopt;
  const Byte* const after = skip_value(first, end_);
  const Byte* const close = skip_space(after, end_);
  if (close >= end_ || *close != ']') return std::nullopt;
  return RawValue(first, after);
}

}  // namespace penstock::pdf
