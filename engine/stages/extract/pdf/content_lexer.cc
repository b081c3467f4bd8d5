#include "engine/stages/extract/pdf/content_lexer.h"

#include <algorithm>
#include <cstring>

namespace penstock::pdf {
namespace {

// Binary data holds "EI" by chance; behind the real one more content follows, which is text.
bool looks_like_content(const Byte* at, const Byte* end) {
  constexpr std::ptrdiff_t looked_at = 12;
  for (const Byte* const stop = at + std::min(looked_at, end - at); at < stop; ++at)
    if (*at == 0 || *at > 126 || (*at < 32 && class_of(*at) != CharClass::space)) return false;
  return true;
}

// What an inline image's dictionary says of its data (ISO 32000-1, 8.9.7), under full or short
// keys.
struct InlineImage {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t component_bits = 8;
  std::int64_t components = 0;  // 0: a colour space by a name that is not known here
  bool is_mask = false;
  bool is_filtered = false;

  void take(std::string_view key, const RawValue& value) {
    if (key == "W" || key == "Width") width = value.integer().value_or(0);
    if (key == "H" || key == "Height") height = value.integer().value_or(0);
    if (key == "BPC" || key == "BitsPerComponent") component_bits = value.integer().value_or(8);
    if (key == "IM" || key == "ImageMask") is_mask = *value.begin() == 't';
    if (key == "F" || key == "Filter") is_filtered = true;
    if (key == "CS" || key == "ColorSpace") {
      if (value.is_name("G") || value.is_name("DeviceGray") || *value.begin() == '[')
        components = 1;  // an array is of an indexed space
      if (value.is_name("RGB") || value.is_name("DeviceRGB")) components = 3;
      if (value.is_name("CMYK") || value.is_name("DeviceCMYK")) components = 4;
    }
  }
  // 0 if it cannot be told.
  std::int64_t bytes() const {
    constexpr std::int64_t side_max = 1 << 16;
    if (is_filtered || width <= 0 || height <= 0 || width > side_max || height > side_max) return 0;
    const std::int64_t pixel_bits = is_mask ? 1 : components * component_bits;
    return (width * pixel_bits + 7) / 8 * height;
  }
};

}  // namespace

void ContentLexer::push(const Byte* begin, std::size_t size, Operand::Kind kind) {
  if (count_ == operands_max) {
    std::move(operands_.begin() + 1, operands_.end(), operands_.begin());
    --count_;
  }
  operands_[count_++] = {begin, static_cast<std::uint32_t>(size), kind};
}

// The content is sealed: a space ends its last token, and zeros behind it are spaces too, so the
// loops over classes need not look for the end.
std::uint32_t ContentLexer::next() {
  count_ = 0;
  while (at_ < end_) {
    switch (class_of(*at_)) {
      case CharClass::space:
        ++at_;
        break;
      case CharClass::number: {
        const Byte* const begin = at_;
        do ++at_;
        while (class_of(*at_) == CharClass::number);
        push(begin, static_cast<std::size_t>(at_ - begin), Operand::Kind::number);
        break;
      }
      case CharClass::delimiter:
        take_delimited();
        break;
      case CharClass::regular: {
        const Byte* const begin = at_;
        do ++at_;
        while (is_regular(*at_));
        const auto size = static_cast<std::size_t>(at_ - begin);
        if (size > 3) {
          // No operator, but words like true and null are operands that nobody asks for.
          return unknown_operator;
        }
        return operator_code({reinterpret_cast<const char*>(begin), size});
      }
    }
  }
  return end_of_content;
}

void ContentLexer::take_delimited() {
  switch (*at_) {
    case '/': {
      const Byte* const begin = ++at_;
      while (is_regular(*at_)) ++at_;
      push(begin, static_cast<std::size_t>(at_ - begin), Operand::Kind::name);
      break;
    }
    case '<':
      if (at_[1] == '<') {
        const Byte* const begin = at_;
        at_ += skip_value(at_, end_) - at_;
        push(begin, static_cast<std::size_t>(at_ - begin), Operand::Kind::dictionary);
        break;
      }
      [[fallthrough]];
    case '(': {
      const Operand string = take_string();
      push(string.begin, string.size, string.kind);
      break;
    }
    case '[':
      take_array();
      break;
    case '%':
      while (at_ < end_ && *at_ != '\n' && *at_ != '\r') ++at_;
      break;
    default:
      ++at_;  // a bracket without its other half
  }
}

Operand ContentLexer::take_string() {
  const bool hex = *at_ == '<';
  Byte* const begin = ++at_;
  if (!hex) {
    // Most have nothing to decode.
    while (at_ < end_ && *at_ != ')' && *at_ != '(' && *at_ != '\\' && *at_ != '\r') ++at_;
    if (at_ < end_ && *at_ == ')') {
      const auto size = static_cast<std::uint32_t>(at_ - begin);
      ++at_;
      return {begin, size, Operand::Kind::string};
    }
  }
  std::size_t size = 0;
  const Byte* const after =
      hex ? decode_hex(begin, end_, begin, size) : decode_literal(begin, end_, begin, size);
  at_ += after - at_;
  return {begin, static_cast<std::uint32_t>(size), Operand::Kind::string};
}

void ContentLexer::take_array() {
  const Byte* const begin = at_++;
  elements_.clear();
  const auto add = [&](const Operand& element) {
    if (elements_.size() < array_elements_max) [[likely]]
      elements_.push_back(element);
    else
      warning_.set("an array was cut off at its limit");
  };
  // Arrays in arrays are only found in what is no text, so their elements may as well be ours.
  int depth = 1;
  while (at_ < end_ && depth > 0) {
    switch (class_of(*at_)) {
      case CharClass::space:
        ++at_;
        break;
      case CharClass::number: {
        const Byte* const number = at_;
        do ++at_;
        while (class_of(*at_) == CharClass::number);
        add({number, static_cast<std::uint32_t>(at_ - number), Operand::Kind::number});
        break;
      }
      case CharClass::regular: {
        const Byte* const word = at_;
        while (is_regular(*at_)) ++at_;
        // The array was never closed, and the operator that shows it stands inside.
        if (at_ - word == 2 && word[0] == 'T' && (word[1] == 'J' || word[1] == 'j')) {
          at_ -= 2;
          depth = 0;
        }
        break;
      }
      case CharClass::delimiter:
        if (*at_ == '(' || (*at_ == '<' && at_[1] != '<')) {
          add(take_string());
        } else if (*at_ == '[') {
          ++depth;
          ++at_;
        } else if (*at_ == ']') {
          --depth;
          ++at_;
        } else if (*at_ == '%') {
          at_ += skip_space(at_, end_) - at_;
        } else {
          at_ += skip_value(at_, end_) - at_;
        }
    }
  }
  push(begin, static_cast<std::size_t>(at_ - begin), Operand::Kind::array);
}

void ContentLexer::skip_inline_image() {
  // The dictionary, up to ID and one white space.
  InlineImage image;
  for (;;) {
    at_ += skip_space(at_, end_) - at_;
    if (at_ >= end_) return;
    if (at_[0] == 'I' && at_[1] == 'D' && !is_regular(at_[2])) {
      at_ = std::min(at_ + 3, end_);
      break;
    }
    const Byte* const key = at_;
    at_ += skip_value(at_, end_) - at_;
    if (*key != '/') continue;
    const std::string_view name(reinterpret_cast<const char*>(key + 1),
                                static_cast<std::size_t>(at_ - key - 1));
    const Byte* const value = skip_space(at_, end_);
    if (value >= end_) return;
    at_ += skip_value(value, end_) - at_;
    image.take(name, RawValue(value, at_));
  }
  // Where the size is known, the data need not be looked at.
  const std::int64_t bytes = image.bytes();
  if (bytes > 0 && bytes < end_ - at_) {
    // Not further: what follows data of the wrong size would be looked at again and again.
    constexpr std::ptrdiff_t space_max = 16;
    const Byte* const data_end = at_ + bytes;
    const Byte* const after = skip_space(data_end, data_end + std::min(space_max, end_ - data_end));
    if (end_ - after >= 2 && after[0] == 'E' && after[1] == 'I' && !is_regular(after[2])) {
      at_ += after + 2 - at_;
      return;
    }
  }
  while (at_ < end_) {
    auto* found = static_cast<Byte*>(std::memchr(at_, 'E', static_cast<std::size_t>(end_ - at_)));
    if (found == nullptr) break;
    at_ = found + 1;
    if (*at_ == 'I' && class_of(found[-1]) == CharClass::space && !is_regular(found[2]) &&
        looks_like_content(found + 2, end_)) {
      ++at_;
      return;
    }
  }
  at_ = end_;
}

}  // namespace penstock::pdf
