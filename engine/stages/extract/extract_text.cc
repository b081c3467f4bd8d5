#include "engine/stages/extract/extract_text.h"

#include <iconv.h>
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>
#include <poppler-version.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <optional>
#include <utility>

#include "engine/stages/extract/clean_text.h"
#include "engine/stages/extract/plain_text.h"

namespace penstock {
namespace {

// The first thing that Poppler complained of since it was last cleared: why a document is corrupt.
// Poppler's handler is global, too.
std::string first_complaint;

void remember_complaint(const std::string& message, void*) {
  if (first_complaint.empty()) first_complaint = message;
}

// Poppler says "error (604): Something is missing"; what is missing may help a person.
std::string why_corrupt(std::string_view complaint) {
  if (const std::size_t colon = complaint.find(": "); complaint.starts_with("error"))
    complaint.remove_prefix(colon == std::string_view::npos ? complaint.size() : colon + 2);
  std::string why(describe(Outcome::corrupt));
  if (!complaint.empty()) why.append(" (").append(complaint).append(")");
  return why;
}

bool looks_like_pdf(std::string_view bytes) {
  constexpr std::size_t searched = 1024;  // as much junk before the header as readers tolerate
  return bytes.substr(0, searched).find("%PDF-") != std::string_view::npos;
}

std::unique_ptr<poppler::document> load(std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return nullptr;
  return std::unique_ptr<poppler::document>(
      poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
}

}  // namespace

// An open document of any kind.
class TextExtractor::Source {
 public:
  virtual ~Source() = default;
  virtual std::uint32_t pages() const = 0;
  virtual void append_page(std::uint32_t page, std::string& utf8) const = 0;
};

namespace {

class PdfSource final : public TextExtractor::Source {
 public:
  explicit PdfSource(std::unique_ptr<poppler::document> document)
      : document_(std::move(document)), pages_(std::max(0, document_->pages())) {}

  std::uint32_t pages() const override { return static_cast<std::uint32_t>(pages_); }

  void append_page(std::uint32_t page, std::string& utf8) const override {
    const std::unique_ptr<poppler::page> content(document_->create_page(static_cast<int>(page)));
    if (!content) return;  // counted by the page tree, but not there: an empty page
    const poppler::byte_array raw =
        content->text(poppler::rectf(), poppler::page::non_raw_non_physical_layout).to_utf8();
    append_clean_page({raw.data(), raw.size()}, TextKind::typeset, utf8);
  }

 private:
  const std::unique_ptr<poppler::document> document_;
  const int pages_;
};

class PlainSource final : public TextExtractor::Source {
 public:
  explicit PlainSource(std::string text) : text_(std::move(text)), pages_(split_pages(text_)) {}

  std::uint32_t pages() const override { return static_cast<std::uint32_t>(pages_.size()); }
  void append_page(std::uint32_t page, std::string& utf8) const override {
    append_clean_page(pages_[page], TextKind::plain, utf8);
  }

 private:
  const std::string text_;
  const std::vector<std::string_view> pages_;
};

}  // namespace

// What stays for the process's life. Converters and time zone would be looked for in files, which
// the sandbox denies: the conversion then gives an empty text, and no error. An open document keeps
// Poppler's global tables, which are otherwise made anew for each.
struct TextExtractor::Warm {
  Warm() {
    tzset();
    poppler::set_debug_error_function(remember_complaint, nullptr);
    static constexpr std::string_view tiny_pdf =
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
        "trailer<</Root 1 0 R>>\n";
    tiny = load(tiny_pdf);
    std::string text;
    if (tiny && tiny->pages() == 1) PdfSource(load(tiny_pdf)).append_page(0, text);
    append_clean_page("e\u0301", TextKind::plain, text);
  }
  ~Warm() {
    iconv_close(to_utf16);
    iconv_close(to_utf8);
  }
  Warm(const Warm&) = delete;
  Warm& operator=(const Warm&) = delete;

  const iconv_t to_utf16 = iconv_open("UTF-16", "UTF-8");
  const iconv_t to_utf8 = iconv_open("UTF-8", "UTF-16");
  std::unique_ptr<poppler::document> tiny;
};

TextExtractor::TextExtractor() : warm_(std::make_unique<Warm>()) {}

TextExtractor::~TextExtractor() = default;

std::unique_ptr<TextExtractor::Source> TextExtractor::open(std::string_view bytes,
                                                           ExtractedPages& result) const {
  const auto fail = [&](Outcome outcome, std::string message) {
    result.outcome = outcome;
    result.message = std::move(message);
    return nullptr;
  };
  if (!looks_like_pdf(bytes)) {
    std::optional<std::string> text = decode_plain_text(bytes);
    if (!text) return fail(Outcome::unsupported, {});
    return std::make_unique<PlainSource>(std::move(*text));
  }
  first_complaint.clear();
  std::unique_ptr<poppler::document> document = load(bytes);
  // Before anything else is asked of it: a locked document answers some questions by crashing.
  if (document && document->is_locked()) return fail(Outcome::encrypted, {});
  if (!document || document->pages() <= 0)
    return fail(Outcome::corrupt, document ? "it has no pages" : why_corrupt(first_complaint));
  return std::make_unique<PdfSource>(std::move(document));
}

ExtractedPages TextExtractor::extract(std::uint64_t document, std::string_view bytes,
                                      PageRange range, std::size_t text_bytes_max) {
  ExtractedPages result;
  if (!source_ || document_ != document) {
    source_.reset();
    source_ = open(bytes, result);
    document_ = document;
    if (!source_) return result;
  }
  result.pages_total = source_->pages();
  const std::uint64_t end =
      std::min<std::uint64_t>(result.pages_total, std::uint64_t{range.first} + range.count);
  for (std::uint32_t page = range.first; page < end; ++page) {
    const std::size_t before = result.utf8.size();
    source_->append_page(page, result.utf8);
    if (result.utf8.size() > text_bytes_max) {
      if (page == range.first) {
        result.outcome = Outcome::too_large;
        result.message = "page " + std::to_string(page + 1) + " alone has " +
                         std::to_string(result.utf8.size()) + " bytes of text";
        return result;
      }
      result.utf8.resize(before);
      break;
    }
    result.page_ends.push_back(result.utf8.size());
  }
  return result;
}

bool has_character_maps() {
  return access("/usr/share/poppler/cMap", R_OK | X_OK) == 0;
}

std::string poppler_library_version() {
  return poppler::version_string();
}

}  // namespace penstock
