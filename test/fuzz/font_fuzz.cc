// Any bytes as a part of a font in a document that is otherwise valid: its program, its maps, its
// dictionary. The first byte says which part, and whether dictionaries are in an object stream.
#include <cstdint>
#include <string>
#include <string_view>

#include "fixtures/document.h"
#include "fixtures/glyph_font.h"
#include "test/fuzz/check_document.h"

namespace penstock {
namespace {

using fixtures::PdfWriter;
using fixtures::reference;

constexpr std::string_view simple =
    "/Subtype /Type1 /BaseFont /ABCDEF+F /FirstChar 65 "
    "/LastChar 66 /Widths [ 500 600 ] ";

std::string with_program(PdfWriter& writer, std::string_view subtype, std::string_view key,
                         std::string_view stream_entries, std::string_view bytes) {
  const std::uint32_t program = writer.add_encoded_stream(stream_entries, std::string(bytes));
  return "/Subtype /" + std::string(subtype) + " /BaseFont /ABCDEF+F /FontDescriptor " +
         reference(writer.add("<< /Type /FontDescriptor /FontName /ABCDEF+F /Flags 4 /" +
                              std::string(key) + " " + reference(program) + " >>"));
}

std::string composite(PdfWriter& writer, std::string_view encoding, std::string_view entries,
                      std::string_view descendant) {
  const std::uint32_t cid_font = writer.add(
      "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /F /CIDSystemInfo << /Registry (Adobe) "
      "/Ordering (Identity) /Supplement 0 >> /DW 500 " +
      std::string(descendant) + " >>");
  return "/Subtype /Type0 /BaseFont /F /Encoding " + std::string(encoding) +
         " /DescendantFonts [ " + reference(cid_font) + " ] " + std::string(entries);
}

std::string font_of(PdfWriter& writer, unsigned part, const std::string& bytes) {
  const auto stream = [&](std::string_view entries) {
    return reference(writer.add_encoded_stream(entries, bytes));
  };
  switch (part) {
    case 0:
      return with_program(writer, "Type1", "FontFile", "", bytes);
    case 1:
      return with_program(writer, "Type1", "FontFile3", "/Subtype /Type1C", bytes);
    case 2:
      return std::string(simple) + "/ToUnicode " + stream("");
    case 3:
      return composite(writer, "/Identity-H", "/ToUnicode " + stream(""), "");
    case 4:
      return composite(writer, stream("/Type /CMap /CMapName /Own"), "", "");
    case 5:
      return composite(writer, "/Identity-V", "", bytes);
    case 6:
      return std::string(simple) + "/Encoding << " + bytes + " >>";
    default:
      return bytes;
  }
}

std::string document_of(unsigned part, bool in_object_stream, const std::string& bytes) {
  fixtures::Document document;
  document.begin_page();
  const std::string font = font_of(document.writer(), part, bytes);
  document.resource("Font", "F", document.writer().add("<< /Type /Font " + font + " >>"));
  std::string codes;
  for (std::uint32_t code = 0; code < 256; ++code) codes += fixtures::hex4(code * 0x0103);
  document.operators("BT /F 9 Tf 9 99 Td <" + codes + "> Tj [ (ABC) -300 <41> ] TJ ET");
  const std::uint32_t root = document.close();
  return document.writer().finish(
      root, in_object_stream ? fixtures::CrossReference::stream : fixtures::CrossReference::table);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  penstock::check_document(penstock::document_of(data[0] & 7, (data[0] & 8) != 0, bytes));
  return 0;
}
