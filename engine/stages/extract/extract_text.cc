#include "engine/stages/extract/extract_text.h"

#include <poppler-version.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/pdf_header.h"
#include "engine/stages/extract/clean_text.h"
#include "engine/stages/extract/plain_text.h"

namespace penstock {
namespace {

class PlainPages final : public PageSource {
 public:
  explicit PlainPages(std::string text) : text_(std::move(text)), pages_(split_pages(text_)) {}

  std::uint32_t pages() const override { return static_cast<std::uint32_t>(pages_.size()); }
  void append_page(std::uint32_t page, std::string& raw, std::string&) override {
    raw += pages_[page];
  }

 private:
  const std::string text_;
  const std::vector<std::string_view> pages_;
};

std::unique_ptr<PdfReader> make_reader(ExtractorKind kind) {
  if (kind == ExtractorKind::poppler) return make_poppler_reader();
#ifdef PENSTOCK_INTERPRETER
  return make_interpreting_reader();
#else
  throw FatalError(
      "this penstock was built without its own extractor, for a Poppler that it does not know: use "
      "--extractor poppler");
#endif
}

// Poppler says "error (604): Something is missing"; what is missing may help a person.
std::string why_corrupt(std::string_view complaint) {
  if (const std::size_t colon = complaint.find(": "); complaint.starts_with("error"))
    complaint.remove_prefix(colon == std::string_view::npos ? complaint.size() : colon + 2);
  std::string why(describe(Outcome::corrupt));
  if (!complaint.empty()) why.append(" (").append(complaint).append(")");
  return why;
}

}  // namespace

TextExtractor::TextExtractor(ExtractorKind kind) : reader_(make_reader(kind)) {
  // Normalisation loads its tables at its first use.
  std::string text;
  append_clean_page("e\u0301", TextKind::plain, text);
}

TextExtractor::~TextExtractor() = default;

OpenedDocument TextExtractor::open(std::string_view bytes) {
  is_typeset_ = looks_like_pdf(bytes);
  if (!is_typeset_) {
    std::optional<std::string> text = decode_plain_text(bytes);
    if (!text) return {nullptr, Outcome::unsupported, {}};
    return {std::make_unique<PlainPages>(std::move(*text))};
  }
  OpenedDocument opened = reader_->open(bytes);
  if (opened.outcome == Outcome::corrupt) opened.message = why_corrupt(opened.message);
  if (opened.pages && opened.pages->pages() == 0)
    return {nullptr, Outcome::corrupt, "it has no pages"};
  return opened;
}

ExtractedPages TextExtractor::extract(std::uint64_t document, std::string_view bytes,
                                      PageRange range, std::size_t text_bytes_max) {
  ExtractedPages result;
  if (!open_.pages || document_ != document) {
    open_.pages.reset();  // the old one first: two at a time take twice the memory
    open_ = open(bytes);
    document_ = document;
  }
  if (!open_.pages) {
    result.outcome = open_.outcome;
    result.message = open_.message;
    return result;
  }
  result.pages_total = open_.pages->pages();
  const TextKind kind = is_typeset_ ? TextKind::typeset : TextKind::plain;
  const std::uint64_t end =
      std::min<std::uint64_t>(result.pages_total, std::uint64_t{range.first} + range.count);
  for (std::uint32_t page = range.first; page < end; ++page) {
    const std::size_t before = result.utf8.size();
    std::string warning;
    raw_.clear();
    open_.pages->append_page(page, raw_, warning);
    append_clean_page(raw_, kind, result.utf8);
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
    if (result.message.empty() && !warning.empty())
      result.message = "page " + std::to_string(page + 1) + ": " + warning;
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
