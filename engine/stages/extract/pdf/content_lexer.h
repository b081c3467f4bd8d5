// A content stream's tokens (ISO 32000-1, 7.8.2), lexed in place: operands point into the content,
// numbers stay digits until somebody asks, strings are decoded where they stand. Nine operators in
// ten draw lines, and what they draw costs only the bytes it has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/stages/extract/pdf/budget.h"
#include "engine/stages/extract/pdf/byte_buffer.h"
#include "engine/stages/extract/pdf/syntax.h"

namespace penstock::pdf {

struct Operand {
  enum class Kind : std::uint8_t { number, name, string, array, dictionary };

  const Byte* begin = nullptr;  // of a name: behind '/'; of a dictionary: its "<<"
  std::uint32_t size = 0;
  Kind kind = Kind::number;

  bool is_number() const { return kind == Kind::number; }
  double number() const { return parse_number(begin, begin + size); }
  std::span<const Byte> bytes() const { return {begin, size}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(begin), size}; }
};

// An operator of up to three characters, as a number to switch on.
constexpr std::uint32_t operator_code(std::string_view name) {
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < name.size(); ++i)
    code |= static_cast<std::uint32_t>(static_cast<Byte>(name[i])) << 8 * i;
  return code;
}

class ContentLexer {
 public:
  static constexpr std::uint32_t end_of_content = 0;
  static constexpr std::uint32_t unknown_operator = 1;

  // Reads and changes content, which is sealed and stays alive. `elements` is scratch that callers
  // keep, so that it need not be allocated for each stream.
  ContentLexer(ByteBuffer& content, std::vector<Operand>& elements, Warning& warning)
      : at_(content.data()),
        end_(content.data() + content.size()),
        elements_(elements),
        warning_(warning) {}

  // The next operator, or end_of_content. Its operands are valid until the next call.
  std::uint32_t next();

  // Counted from the last: operand_from_end(0) stands right before the operator. Null if there are
  // not so many.
  const Operand* operand_from_end(std::size_t index) const {
    return index < count_ ? &operands_[count_ - 1 - index] : nullptr;
  }
  // What the last `count` operands are, if all are numbers; false leaves `numbers` alone.
  template <std::size_t count>
  bool take_numbers(std::array<double, count>& numbers) const {
    if (count_ < count) return false;
    for (std::size_t i = 0; i < count; ++i)
      if (!operands_[count_ - count + i].is_number()) return false;
    for (std::size_t i = 0; i < count; ++i) numbers[i] = operands_[count_ - count + i].number();
    return true;
  }
  // Of the last array among the operands.
  const std::vector<Operand>& elements() const { return elements_; }

  // Behind BI: moves on to behind EI.
  void skip_inline_image();

 private:
  void push(const Byte* begin, std::size_t size, Operand::Kind kind);
  // Lexes the string whose '(' or '<' is at at_.
  Operand take_string();
  void take_array();
  void take_delimited();

  Byte* at_;
  Byte* const end_;
  // An operator has at most 33 operands (sc in DeviceN); of more, the last ones count.
  static constexpr std::size_t operands_max = 40;
  std::array<Operand, operands_max> operands_;
  std::size_t count_ = 0;
  std::vector<Operand>& elements_;
  Warning& warning_;
};

}  // namespace penstock::pdf
