// The fonts of a document, each made once, and without reading its embedded font program where the
// font's dictionary tells enough.
#pragma once

#include <poppler/Object.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/stages/extract/pdf/document.h"
#include "engine/stages/extract/pdf/font.h"

namespace penstock::pdf {

// One thread.
class FontCache {
 public:
  explicit FontCache(Document& document) : document_(document) {}

  // The font that is, or is referred to by, `object`; null if it is none. Lives as long as the
  // cache.
  Font* font(const Object& object);
  // For text whose font is missing: its codes are most likely Latin.
  Font* fallback();

 private:
  std::unique_ptr<Font> make(const Object& object, Ref id);

  Document& document_;
  std::unordered_map<Ref, std::unique_ptr<Font>> by_reference_;
  std::vector<std::unique_ptr<Font>> direct_;
  std::unique_ptr<Font> fallback_;
};

}  // namespace penstock::pdf
