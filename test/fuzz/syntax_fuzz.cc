// Any bytes as a content stream and as PDF syntax: what is read lies within them, and reading ends.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stages/extract/pdf/content_lexer.h"
#include "engine/stages/extract/pdf/syntax.h"
#include "engine/stages/extract/pdf/text_string.h"
#include "test/fuzz/require.h"

namespace penstock::pdf {
namespace {

struct Bounds {
  const Byte* begin;
  const Byte* end;

  bool hold(const Byte* at) const { return begin <= at && at <= end; }
  bool hold(const Operand& operand) const {
    return hold(operand.begin) && operand.size <= static_cast<std::size_t>(end - operand.begin);
  }
  bool hold(const RawValue& value) const {
    return hold(value.begin()) && hold(value.end()) && value.begin() <= value.end();
  }
};

// A copy of its own size, so that a sanitizer sees what looks beyond.
std::vector<Byte> copy_of(std::string_view bytes) {
  return {bytes.begin(), bytes.end()};
}

void check_content(std::string_view bytes) {
  ByteBuffer content;
  const std::vector<Byte> copy = copy_of(bytes);
  content.append(copy);
  content.seal();
  const Bounds bounds{content.data(), content.data() + content.size()};
  std::vector<Operand> elements;
  Warning warning;
  ContentLexer lexer(content, elements, warning);
  std::size_t operators = 0;
  std::size_t operands = 0;
  while (const std::uint32_t operation = lexer.next()) {
    ++operators;
    bool has_array = false;
    for (std::size_t i = 0; const Operand* operand = lexer.operand_from_end(i); ++i) {
      ++operands;
      REQUIRE(bounds.hold(*operand));
      REQUIRE(std::isfinite(operand->number()));
      has_array = has_array || operand->kind == Operand::Kind::array;
      if (operand->kind == Operand::Kind::dictionary)
        for_each_entry(
            operand->begin, operand->begin + operand->size,
            [&](std::string_view, const RawValue& value) { REQUIRE(bounds.hold(value)); });
    }
    if (has_array)
      for (const Operand& element : lexer.elements()) REQUIRE(bounds.hold(element));
    if (operation == operator_code("BI")) lexer.skip_inline_image();
  }
  // An operator or an operand has a byte of its own.
  REQUIRE(operators + operands <= bytes.size());
}

void check_values(std::string_view bytes) {
  const std::vector<Byte> copy = copy_of(bytes);
  const Bounds bounds{copy.data(), copy.data() + copy.size()};
  const Byte* const end = bounds.end;
  for (const Byte* at = bounds.begin; at < end;) {
    const Byte* const value = skip_space(at, end);
    REQUIRE(bounds.hold(value));
    const Byte* const after = skip_value(value, end);
    REQUIRE(bounds.hold(after) && (after > at || after == end));
    at = after;
  }
  REQUIRE(bounds.hold(skip_literal(bounds.begin, end)));
  REQUIRE(std::isfinite(parse_number(bounds.begin, end)));
  const Byte* const behind =
      for_each_entry(bounds.begin, end, [&](std::string_view key, const RawValue& value) {
        REQUIRE(bounds.hold(reinterpret_cast<const Byte*>(key.data())) &&
                key.size() < bytes.size());
        REQUIRE(bounds.hold(value) && value.begin() < value.end());
        static_cast<void>(value.reference());
        static_cast<void>(value.integer());
        static_cast<void>(value.is_name("Page"));
        static_cast<void>(value.is_null());
        if (const auto single = value.single()) REQUIRE(bounds.hold(*single));
      });
  REQUIRE(behind == nullptr || bounds.hold(behind));
}

void check_strings(std::string_view bytes) {
  std::vector<Byte> decoded(bytes.size());
  for (const auto decode : {decode_literal, decode_hex}) {
    // Somewhere else, and then in place.
    const std::vector<Byte> copy = copy_of(bytes);
    std::size_t size = 0;
    const Byte* const after = decode(copy.data(), copy.data() + copy.size(), decoded.data(), size);
    REQUIRE(size <= bytes.size() && after >= copy.data() && after <= copy.data() + copy.size());
    std::vector<Byte> own = copy;
    std::size_t own_size = 0;
    decode(own.data(), own.data() + own.size(), own.data(), own_size);
    REQUIRE(own_size == size);
    REQUIRE(
        std::equal(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(size), decoded.begin()));
  }
  REQUIRE(decode_name(bytes).size() <= bytes.size());
  REQUIRE(decode_text_string(bytes).size() <= 3 * bytes.size());
}

}  // namespace
}  // namespace penstock::pdf

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  penstock::pdf::check_content(bytes);
  penstock::pdf::check_values(bytes);
  penstock::pdf::check_strings(bytes);
  return 0;
}
