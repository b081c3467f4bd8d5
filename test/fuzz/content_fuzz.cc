// Any bytes as the content of a page that has all that a content stream can name: what comes out is
// fit to be stored, and not much more than the page can show.

// Poppler's headers do not stand alone: this one goes first.
#include <poppler/Object.h>
#include <simdjson.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/stages/extract/clean_text.h"
#include "engine/stages/extract/layout/text_assembly.h"
#include "engine/stages/extract/page_source.h"
#include "engine/stages/extract/pdf/document.h"
#include "engine/stages/extract/pdf/interpreter.h"
#include "engine/stages/extract/pdf/page_tree.h"
#include "engine/stages/extract/pdf/resources.h"
#include "fixtures/document.h"
#include "fixtures/glyph_font.h"
#include "test/fuzz/require.h"

namespace penstock::pdf {
namespace {

using fixtures::reference;

// Fonts /F2 (simple), /C, /V (composite, across and down), /J (codes of one or two bytes) and /T
// (Type 3); forms /X, /Y (contains /X and itself), /Z (in a layer that is off) and an image /I;
// graphics state /G with a font; properties /A (ActualText), /On, /Off, /M and /E (memberships).
std::string make_page() {
  fixtures::Document page;
  fixtures::PdfWriter& writer = page.writer();
  page.begin_page();
  page.use(fixtures::Font::helvetica);
  const std::uint32_t helvetica = page.font(fixtures::Font::helvetica);
  fixtures::GlyphFont glyphs;
  glyphs.glyphs(U"abc \u05d0\u0627\u6c34\U0001F600");
  glyphs.glyph(U"ffi");
  page.resource("Font", "C", glyphs.add_to(writer));
  page.resource("Font", "V", glyphs.add_to(writer, "Identity-V"));
  page.resource("Font", "J",
                writer.add("<< /Type /Font /Subtype /Type0 /BaseFont /J /Encoding /90ms-RKSJ-H "
                           "/DescendantFonts [ << /Type /Font /Subtype /CIDFontType0 /BaseFont /J "
                           "/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 "
                           ">> >> ] >>"));
  page.resource(
      "Font", "T",
      writer.add("<< /Type /Font /Subtype /Type3 /FontBBox [ 0 0 9 9 ] /FontMatrix [ .1 "
                 "0 0 -.1 0 0 ] /FirstChar 65 /LastChar 66 /Widths [ 9 5 ] /Encoding << "
                 "/Differences [ 65 /A /B ] >> /CharProcs << /A " +
                 reference(writer.add_stream("", "9 0 d0 BT /F2 9 Tf (A) Tj ET")) + " >> >>"));

  const std::uint32_t on = writer.add("<< /Type /OCG /Name (on) >>");
  const std::uint32_t off = writer.add("<< /Type /OCG /Name (off) >>");
  const std::string both = "[ " + reference(on) + " " + reference(off) + " ]";
  page.catalog_entries("/OCProperties << /OCGs " + both + " /D << /BaseState /ON /OFF [ " +
                       reference(off) + " ] >> >>");
  page.resource("Properties", "A", writer.add("<< /MCID 0 /ActualText (instead) >>"));
  page.resource("Properties", "On", on);
  page.resource("Properties", "Off", off);
  page.resource("Properties", "M", writer.add("<< /Type /OCMD /OCGs " + both + " /P /AllOn >>"));
  page.resource("Properties", "E",
                writer.add("<< /Type /OCMD /VE [ /Or " + reference(off) + " [ /Not " +
                           reference(off) + " ] ] >>"));
  page.resource("ExtGState", "G", writer.add("<< /Font [ " + reference(helvetica) + " 9 ] >>"));

  const std::string box = "/Type /XObject /Subtype /Form /BBox [ 0 0 99 99 ] ";
  const std::uint32_t form =
      writer.add_stream(box + "/Matrix [ 1 .2 -.2 1 30 40 ]", "q BT /F2 9 Tf (form) Tj ET /X Do");
  page.resource("XObject", "X", form);
  const std::uint32_t itself = writer.reserve();
  writer.set_stream(itself,
                    box + "/Resources << /Font << /F2 " + reference(helvetica) +
                        " >> /XObject << /X " + reference(form) + " /Y " + reference(itself) +
                        " >> >>",
                    "BT /F2 8 Tf /A BMC (own) Tj ET /X Do /Y Do Q Q EMC");
  page.resource("XObject", "Y", itself);
  page.resource("XObject", "Z",
                writer.add_stream(box + "/OC " + reference(off), "BT /F2 9 Tf (none) Tj ET"));
  page.resource("XObject", "I",
                writer.add_stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 "
                                  "/BitsPerComponent 8 /ColorSpace /DeviceGray",
                                  "x"));
  return page.finish();
}

class OnePage {
 public:
  OnePage()
      : reader_(make_interpreting_reader()),  // prepares what Poppler has for a whole process
        bytes_(make_page()),
        document_(bytes_),
        store_(document_),
        interpreter_(store_) {
    REQUIRE(document_.is_open());
    PageTree tree(document_);
    REQUIRE(tree.size() == 1);
    resources_.emplace(store_, tree.page(0).resources.copy());
  }

  void check(std::string_view content) {
    buffer_.clear();
    buffer_.append({reinterpret_cast<const Byte*>(content.data()), content.size()});
    glyphs_.clear();
    warning_.clear();
    interpreter_.begin_page(&*resources_, glyphs_, warning_);
    interpreter_.run(buffer_);
    std::uint32_t end = 0;
    for (const layout::GlyphRun& run : glyphs_.runs) {
      REQUIRE(run.text_begin == end && run.text_end > run.text_begin);
      end = run.text_end;
      for (const float value : {run.x0, run.y0, run.x1, run.y1, run.ux, run.uy})
        REQUIRE(std::isfinite(value));
      REQUIRE(run.height > 0);
    }
    REQUIRE(end == glyphs_.utf8.size());
    raw_.clear();
    assembly_.append_page(glyphs_, raw_);
    std::string text;
    append_clean_page(raw_, TextKind::typeset, text);
    REQUIRE(simdjson::validate_utf8(text.data(), text.size()));
    // Three bytes show a form, whose text and spaces take at most so many.
    REQUIRE(text.size() <= 32 * content.size());
  }

 private:
  const std::unique_ptr<PdfReader> reader_;
  const std::string bytes_;
  Document document_;
  ResourceStore store_;
  Interpreter interpreter_;
  std::optional<Resources> resources_;
  layout::TextAssembly assembly_;
  ByteBuffer buffer_;
  layout::PageGlyphs glyphs_;
  Warning warning_;
  std::string raw_;
};

}  // namespace
}  // namespace penstock::pdf

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static penstock::pdf::OnePage page;
  page.check({reinterpret_cast<const char*>(data), size});
  return 0;
}
