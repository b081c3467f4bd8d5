// The extractor that --extractor penstock names: document, page tree, interpreter, annotations and
// text assembly, put together.

// Poppler's headers do not stand alone: this one goes first.
#include <poppler/Error.h>
#include <poppler/GlobalParams.h>
#include <poppler/Object.h>
#include <poppler/Stream.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/stages/extract/layout/text_assembly.h"
#include "engine/stages/extract/page_source.h"
#include "engine/stages/extract/pdf/annotations.h"
#include "engine/stages/extract/pdf/document.h"
#include "engine/stages/extract/pdf/interpreter.h"
#include "engine/stages/extract/pdf/page_tree.h"
#include "engine/stages/extract/pdf/resources.h"

namespace penstock {
namespace pdf {
namespace {

// The first thing that Poppler complained of since it was last cleared. Its handler is global, too.
std::string first_complaint;

void remember_complaint(ErrorCategory, Goffset, const char* message) {
  if (first_complaint.empty()) first_complaint = message;
}

// What reading a page needs, kept from page to page and from document to document for what it has
// allocated.
struct Scratch {
  ByteBuffer content;
  layout::PageGlyphs glyphs;
  layout::TextAssembly assembly;
};

class InterpretedPages final : public PageSource {
 public:
  InterpretedPages(std::unique_ptr<Document> document, Scratch& scratch)
      : document_(std::move(document)),
        tree_(*document_),
        store_(*document_),
        interpreter_(store_),
        scratch_(scratch) {}

  std::uint32_t pages() const override { return tree_.size(); }

  void append_page(std::uint32_t index, std::string& raw, std::string& warning) override {
    const Page page = tree_.page(index);
    scratch_.glyphs.clear();
    scratch_.glyphs.box = page.box;
    warning_.clear();
    interpreter_.begin_page(resources_of(page), scratch_.glyphs, warning_);
    scratch_.content.clear();
    if (page.dictionary.isDict()) {
      read_content(page.dictionary.getDict()->lookupNF("Contents"), scratch_.content);
      interpreter_.run(scratch_.content);
      show_annotations(page.dictionary, store_, interpreter_, warning_);
    } else {
      warning_.set("counted, but not there");
    }
    if (index + 1 == tree_.size() && tree_.is_too_much())
      warning_.set("more pages than a document may have; the rest is left out");
    scratch_.assembly.append_page(scratch_.glyphs, raw);
    if (!warning_.what().empty()) warning = warning_.what();
  }

 private:
  Resources* resources_of(const Page& page) {
    if (page.resources.isRef()) return &store_.resources(page.resources.getRef());
    own_resources_.emplace(store_, page.resources.copy());
    return &*own_resources_;
  }

  // One stream, or several that are one: a token may not reach from one into the next.
  void read_content(const Object& contents, ByteBuffer& content) {
    if (contents.isRef() && document_->read_stream(contents.getRef(), content, warning_)) return;
    const Object streams = document_->resolve(contents);
    if (streams.isStream()) document_->read_stream(streams, content, warning_);
    for (int i = 0; streams.isArray() && i < streams.arrayGetLength(); ++i) {
      if (content.size() > page_content_bytes_max) break;
      const Object& stream = streams.arrayGetNF(i);
      if (stream.isRef()) document_->read_stream(stream.getRef(), content, warning_);
      const Byte newline = '\n';
      content.append({&newline, 1});
    }
  }

  const std::unique_ptr<Document> document_;
  PageTree tree_;
  ResourceStore store_;
  Interpreter interpreter_;
  Scratch& scratch_;
  // Of the page at hand.
  Warning warning_;
  std::optional<Resources> own_resources_;
};

class InterpretingReader final : public PdfReader {
 public:
  InterpretingReader() : globals_(remember_complaint) { setErrorCallback(remember_complaint); }

  OpenedDocument open(std::string_view pdf) override {
    first_complaint.clear();
    auto document = std::make_unique<Document>(pdf);
    if (!document->is_open()) {
      if (document->needs_password()) return {nullptr, Outcome::encrypted, {}};
      return {nullptr, Outcome::corrupt, first_complaint};
    }
    return {std::make_unique<InterpretedPages>(std::move(document), scratch_)};
  }

 private:
  // Poppler's tables of names and character maps, made once for the life of the process.
  const GlobalParamsIniter globals_;
  Scratch scratch_;
};

}  // namespace
}  // namespace pdf

std::unique_ptr<PdfReader> make_interpreting_reader() {
  return std::make_unique<pdf::InterpretingReader>();
}

}  // namespace penstock
