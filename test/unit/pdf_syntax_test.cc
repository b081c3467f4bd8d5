// Bytes of PDF syntax, content streams and inflation, as far as they know nothing of Poppler.
#include <zlib.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/stages/extract/pdf/content_lexer.h"
#include "engine/stages/extract/pdf/glyph_names.h"
#include "engine/stages/extract/pdf/inflate.h"
#include "engine/stages/extract/pdf/syntax.h"
#include "test/support/catch.h"

namespace penstock::pdf {
namespace {

const Byte* begin_of(std::string_view text) {
  return reinterpret_cast<const Byte*>(text.data());
}
const Byte* end_of(std::string_view text) {
  return begin_of(text) + text.size();
}

double number(std::string_view text) {
  return parse_number(begin_of(text), end_of(text));
}

// What is left behind the first value.
std::string_view behind_value(std::string_view text) {
  const Byte* const after = skip_value(begin_of(text), end_of(text));
  return text.substr(static_cast<std::size_t>(after - begin_of(text)));
}

ByteBuffer buffer_of(std::string_view text) {
  ByteBuffer buffer;
  buffer.append({begin_of(text), text.size()});
  buffer.seal();
  return buffer;
}

std::string shown(const Operand& operand) {
  const std::string text(operand.view());
  switch (operand.kind) {
    case Operand::Kind::number:
      return text;
    case Operand::Kind::name:
      return "/" + text;
    case Operand::Kind::string:
      return "(" + text + ")";
    case Operand::Kind::array:
      return "array";
    case Operand::Kind::dictionary:
      return "dictionary";
  }
  return {};
}

// Each operator with its operands, a line each.
std::vector<std::string> operations(std::string_view content) {
  ByteBuffer buffer = buffer_of(content);
  std::vector<Operand> elements;
  Warning warning;
  ContentLexer lexer(buffer, elements, warning);
  std::vector<std::string> lines;
  while (const std::uint32_t operation = lexer.next()) {
    std::string line;
    for (std::size_t i = 40; i-- > 0;)
      if (const Operand* operand = lexer.operand_from_end(i)) line += shown(*operand) + " ";
    if (operation == operator_code("TJ"))
      for (const Operand& element : lexer.elements()) line += "[" + shown(element) + "] ";
    for (std::uint32_t code = operation; code > 1; code >>= 8) line += static_cast<char>(code);
    lines.push_back(operation == ContentLexer::unknown_operator ? line + "?" : line);
    if (operation == operator_code("BI")) lexer.skip_inline_image();
  }
  return lines;
}

using Lines = std::vector<std::string>;

std::string zlib_of(std::string_view text) {
  uLongf size = compressBound(text.size());
  std::string zlib(size, '\0');
  REQUIRE(compress(reinterpret_cast<Bytef*>(zlib.data()), &size, begin_of(text), text.size()) ==
          Z_OK);
  zlib.resize(size);
  return zlib;
}

TEST_CASE("syntax: numbers are read as producers write them") {
  CHECK(number("12") == 12);
  CHECK(number("-.5") == -0.5);
  CHECK(number("+3.25") == 3.25);
  CHECK(number("4.") == 4);
  CHECK(number("--5") == -5);
  CHECK(number("12.-34") == 12 + 0.34);
  CHECK(number("abc") == 0);
  CHECK(number("123456789012345678901234567890") > 1e16);
}

TEST_CASE("syntax: a value is skipped whole, however it nests") {
  CHECK(behind_value("12 rest") == " rest");
  CHECK(behind_value("/Name/Next") == "/Next");
  CHECK(behind_value("(a (b) \\) c)rest") == "rest");
  CHECK(behind_value("<41>rest") == "rest");
  CHECK(behind_value("[1 [2] << /A [3] >> (]) ]rest") == "rest");
  CHECK(behind_value("<< /A << /B (>>) >> /C [ ] >>rest") == "rest");
  CHECK(behind_value("% comment\n(x)rest") == "rest");
  CHECK(behind_value("[ never closed").empty());
  const std::string deep(1'000'000, '[');
  CHECK(behind_value(deep).empty());
}

TEST_CASE("syntax: entries of a dictionary come with their references whole") {
  const std::string_view text =
      "<< /Length 12 0 R /Filter [ /FlateDecode ] /Count 3 /Name#20x /Type /Type/Page >> stream";
  std::vector<std::string> keys;
  std::optional<RawValue::Reference> length;
  std::optional<std::int64_t> count;
  bool flate = false;
  bool page = false;
  const Byte* const after = for_each_entry(
      begin_of(text), end_of(text), [&](std::string_view key, const RawValue& value) {
        keys.emplace_back(key);
        if (key == "Length") length = value.reference();
        if (key == "Filter") flate = value.single() && value.single()->is_name("FlateDecode");
        if (key == "Count") count = value.integer();
        if (key == "Type") page = value.is_name("Page");
      });
  REQUIRE(after != nullptr);
  CHECK(std::string_view(reinterpret_cast<const char*>(after)).starts_with(" stream"));
  CHECK(keys.size() == 5);
  REQUIRE(length);
  CHECK(length->number == 12);
  CHECK(flate);
  CHECK(count == 3);
  CHECK(page);
}

TEST_CASE("syntax: a damaged dictionary is none") {
  for (const std::string_view text :
       {"", "<<", "<< /A", "<< /A 1", "<< 1 2 >>", "[ /A 1 ]", "<< /A 1 >"})
    CHECK(for_each_entry(begin_of(text), end_of(text), [](std::string_view, const RawValue&) {}) ==
          nullptr);
}

TEST_CASE("syntax: names lose their escapes") {
  CHECK(decode_name("A#20B") == "A B");
  CHECK(decode_name("A#zzB#4") == "A#zzB#4");
}

TEST_CASE("glyph names: those of TeX's fonts become names that Poppler knows") {
  CHECK(known_glyph_name("A") == "A");
  CHECK(known_glyph_name("prime") == "minute");
  CHECK(known_glyph_name("arrownortheast") == "uni2197");
  CHECK(known_glyph_name("parenleftBigg") == "parenleft");
  CHECK(known_glyph_name("summationtext") == "summation");
  CHECK(known_glyph_name("text") == "text");
}

TEST_CASE("lexer: operands go with their operator") {
  CHECK(operations("q 1 0 0 1 72 700 cm /F1 12 Tf (x) Tj Q") ==
        Lines{"q", "1 0 0 1 72 700 cm", "/F1 12 Tf", "(x) Tj", "Q"});
  CHECK(operations("BT/F1 9 Tf(a)Tj<62>' ET") == Lines{"BT", "/F1 9 Tf", "(a) Tj", "(b) '", "ET"});
}

TEST_CASE("lexer: strings are decoded where they stand") {
  CHECK(operations("(a\\(b\\)\\101\\n\\\nc(d)) Tj") == Lines{"(a(b)A\nc(d)) Tj"});
  CHECK(operations("<48 65 6C6 C6f> Tj <4> Tj") == Lines{"(Hello) Tj", "(@) Tj"});
  CHECK(operations("(never closed").empty());
}

TEST_CASE("lexer: an array's elements are strings and numbers") {
  CHECK(operations("[(a)-120(b)<63>.5]TJ") == Lines{"array [(a)] [-120] [(b)] [(c)] [.5] TJ"});
  CHECK(operations("[% (no)\n(yes)]TJ") == Lines{"array [(yes)] TJ"});
  // The bracket was forgotten; the operator that shows the array tells where it ends.
  CHECK(operations("[(a) TJ (b) Tj") == Lines{"array [(a)] TJ", "(b) Tj"});
}

TEST_CASE("lexer: what nobody knows is an operator all the same") {
  CHECK(operations("1 frobnicate (x) Tj") == Lines{"1 ?", "(x) Tj"});
  CHECK(operations("} ) > 5 w") == Lines{"5 w"});
}

TEST_CASE("lexer: of too many operands the last ones count") {
  std::string content;
  for (int i = 0; i < 1000; ++i) content += std::to_string(i) + " ";
  const Lines lines = operations(content + "Td");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].ends_with("998 999 Td"));
}

TEST_CASE("lexer: an inline image is passed over, whatever its data looks like") {
  CHECK(operations("BI /W 4 /H 1 /CS /G ID EI Q\nEI (x) Tj") == Lines{"BI", "(x) Tj"});
  CHECK(operations(std::string("BI /F /Fl ID \x01\x02 EI\xff \x00 EI\n(x) Tj", 31)) ==
        Lines{"BI", "(x) Tj"});
  CHECK(operations("BI /W 4 ID never ends") == Lines{"BI"});
}

TEST_CASE("lexer: a long array is cut off, and says so") {
  std::string content = "[";
  for (std::size_t i = 0; i <= array_elements_max; ++i) content += "1 ";
  ByteBuffer buffer = buffer_of(content + "] TJ");
  std::vector<Operand> elements;
  Warning warning;
  ContentLexer lexer(buffer, elements, warning);
  CHECK(lexer.next() == operator_code("TJ"));
  CHECK(elements.size() == array_elements_max);
  CHECK(warning.what() == "an array was cut off at its limit");
}

TEST_CASE("inflate: whole, damaged, too large and no stream at all") {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + "\n";
  const std::string zlib = zlib_of(text);
  Inflater inflater;
  ByteBuffer out;

  SECTION("whole, whatever stood before it") {
    out.append({begin_of("before"), 6});
    CHECK(inflater.inflate({begin_of(zlib), zlib.size()}, 1 << 20, out) == Inflater::End::complete);
    CHECK(out.view() == "before" + text);
  }
  SECTION("cut off: what can be read of it") {
    CHECK(inflater.inflate({begin_of(zlib), zlib.size() / 2}, 1 << 20, out) ==
          Inflater::End::complete);
    CHECK(out.size() > text.size() / 4);
    CHECK(text.starts_with(out.view()));
  }
  SECTION("too large: as much as is allowed") {
    CHECK(inflater.inflate({begin_of(zlib), zlib.size()}, 1000, out) == Inflater::End::too_large);
    CHECK(out.view() == text.substr(0, 1000));
  }
  SECTION("none") {
    CHECK(inflater.inflate({begin_of("no stream"), 9}, 1000, out) == Inflater::End::nothing);
    CHECK(inflater.inflate({}, 1000, out) == Inflater::End::nothing);
    CHECK(out.empty());
  }
}

}  // namespace
}  // namespace penstock::pdf
