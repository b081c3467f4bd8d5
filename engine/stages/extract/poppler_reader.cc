// Stock Poppler: --extractor poppler, and the judge of our own in tests.

#include <iconv.h>
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <utility>

#include "engine/stages/extract/page_source.h"

namespace penstock {
namespace {

// The first thing that Poppler complained of since it was last cleared. Its handler is global, too.
std::string first_complaint;

void remember_complaint(const std::string& message, void*) {
  if (first_complaint.empty()) first_complaint = message;
}

std::unique_ptr<poppler::document> load(std::string_view pdf) {
  if (pdf.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return nullptr;
  return std::unique_ptr<poppler::document>(
      poppler::document::load_from_raw_data(pdf.data(), static_cast<int>(pdf.size())));
}

class PopplerPages final : public PageSource {
 public:
  explicit PopplerPages(std::unique_ptr<poppler::document> document)
      : document_(std::move(document)), pages_(std::max(0, document_->pages())) {}

  std::uint32_t pages() const override { return static_cast<std::uint32_t>(pages_); }

  void append_page(std::uint32_t page, std::string& raw, std::string& warning) override {
    const std::unique_ptr<poppler::page> content(document_->create_page(static_cast<int>(page)));
    if (!content) {
      warning = "counted, but not there";
      return;
    }
    const poppler::byte_array text =
        content->text(poppler::rectf(), poppler::page::non_raw_non_physical_layout).to_utf8();
    raw.append(text.data(), text.size());
  }

 private:
  const std::unique_ptr<poppler::document> document_;
  const int pages_;
};

// Converters and time zone would be looked for in files, which the sandbox denies: the conversion
// then gives an empty text, and no error. An open document keeps Poppler's global tables, which are
// otherwise made anew for each.
class PopplerReader final : public PdfReader {
 public:
  PopplerReader() {
    tzset();
    poppler::set_debug_error_function(remember_complaint, nullptr);
    static constexpr std::string_view tiny_pdf =
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
        "trailer<</Root 1 0 R>>\n";
    tiny_ = load(tiny_pdf);
    std::string text;
    if (tiny_ && tiny_->pages() == 1) PopplerPages(load(tiny_pdf)).append_page(0, text, text);
  }
  ~PopplerReader() override {
    iconv_close(to_utf16_);
    iconv_close(to_utf8_);
  }
  PopplerReader(const PopplerReader&) = delete;
  PopplerReader& operator=(const PopplerReader&) = delete;

  OpenedDocument open(std::string_view pdf) override {
    first_complaint.clear();
    std::unique_ptr<poppler::document> document = load(pdf);
    // Before anything else is asked of it: a locked document answers some questions by crashing.
    if (document && document->is_locked()) return {nullptr, Outcome::encrypted, {}};
    if (!document) return {nullptr, Outcome::corrupt, first_complaint};
    return {std::make_unique<PopplerPages>(std::move(document))};
  }

 private:
  const iconv_t to_utf16_ = iconv_open("UTF-16", "UTF-8");
  const iconv_t to_utf8_ = iconv_open("UTF-8", "UTF-16");
  std::unique_ptr<poppler::document> tiny_;
};

}  // namespace

std::unique_ptr<PdfReader> make_poppler_reader() {
  return std::make_unique<PopplerReader>();
}

}  // namespace penstock
