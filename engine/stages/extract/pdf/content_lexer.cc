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
      case CharClass::space: ++at_; break;
      case CharClass::number: {
        const Byte* const begin = at_;
        do ++at_;
        while (class_of(*at_) == CharClass::number);
        push(begin, static_cast<std::size_t>(at_ - begin), Operand::Kind::number);
        break;
      }
      case CharClass::delimiter: take_delimited(); break;
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
    case '[': take_array(); break;
    case '%':
      while (at_ < end_ && *at_ != '\n' && *at_ != '\r') ++at_;
      break;
    default: ++at_;  // a bracket without its other half
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
  const Byte* const after = hex ? decode_hex(begin, end_, begin, size)
                                : decode_literal(begin, end_, begin, size);
  at_ += after - at_;
  return {begin, static_cast<std::uint32_t>(size), Operand::Kind::string};
}

void ContentLexer::take_array() {
  const Byte* const begin = at_++;
  elements_.clear();
  const auto add = [&](const Operand& element) {
    if (elements_.size() < array_elements_max) {
      elements_.push_back(element);
    } else {
      warning_.set("an array was cut off at its limit");
    }
  };
  // Arrays in arrays are only found in what is no text, so their elements may as well be ours.
  int depth = 1;
  while (at_ < end_ && depth > 0) {
    switch (class_of(*at_)) {
      case CharClass::space: ++at_; break;
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
        } else {
          at_ += skip_value(at_, end_) - at_;
        }
    }
  }
  push(begin, static_cast<std::size_t>(at_ - begin), Operand::Kind::array);
}

void ContentLexer::skip_inline_image() {
  // The dictionary, up to ID and one white space.
  for (;;) {
    at_ += skip_space(at_, end_) - at_;
    if (at_ >= end_) return;
    if (at_[0] == 'I' && at_[1] == 'D' && !is_regular(at_[2])) {
      at_ = std::min(at_ + 3, end_);
      break;
    }
    at_ += skip_value(at_, end_) - at_;
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
