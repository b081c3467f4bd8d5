// The fonts of a document, each made once, and without reading its embedded font program where the
// font's dictionary tells enough.
#pragma once

#include <poppler/Object.h>

#include <memory>
#include <unordered_map>

#include "engine/stages/extract/pdf/document.h"
#include "engine/stages/extract/pdf/font.h"

namespace penstock::pdf {

// One thread.
class FontCache {
 public:
  explicit FontCache(Document& document) : document_(document) {}

  // The font at `ref`; null if there is none. Lives as long as the cache.
  Font* font(Ref ref);
  // The font that is `object` itself: the caller's, since each page may have its own.
  std::unique_ptr<Font> direct(const Object& object) { return make(object, Ref::INVALID()); }
  // For text whose font is missing: its codes are most likely Latin.
  Font* fallback();

 private:
  std::unique_ptr<Font> make(const Object& object, Ref id);

  Document& document_;
  std::unordered_map<Ref, std::unique_ptr<Font>> by_reference_;
  std::unique_ptr<Font> fallback_;
};

}  // namespace penstock::pdf
