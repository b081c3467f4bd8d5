// The pages of a document in order, with what they inherit (ISO 32000-1, 7.7.3).
#pragma once

#include <poppler/Object.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/stages/extract/layout/page_glyphs.h"
#include "engine/stages/extract/pdf/document.h"

namespace penstock::pdf {

struct Page {
  Object dictionary;
  Object resources;  // a dictionary, a reference to one, or null
  layout::PageBox box;
};

// Walks the tree once. /Count is not believed: what is there is counted.
class PageTree {
 public:
  explicit PageTree(Document& document);

  std::uint32_t size() const { return static_cast<std::uint32_t>(leaves_.size()); }
  Page page(std::uint32_t index);
  // The tree has more than any document of people; what is beyond was not looked at.
  bool is_too_much() const;

 private:
  // What a node of the tree hands down; null where it says nothing.
  struct Inherited {
    Object resources;
    Object media_box;

    Inherited copy() const { return {resources.copy(), media_box.copy()}; }
    void take_from(const Dict& dictionary);
  };
  struct Leaf {
    Ref ref = Ref::INVALID();  // invalid: `direct` is the page itself
    std::uint32_t inherited = 0;
    Object direct{objNull};
  };

  void walk(const Object& kid, std::uint32_t inherited);
  bool is_certainly_a_leaf(Ref ref);
  void collect_strays();

  Document& document_;
  std::vector<Inherited> inherited_;
  std::vector<Leaf> leaves_;
  std::vector<Ref> ancestors_;
  std::uint32_t visited_ = 0;
  std::uint32_t kids_ = 0;         // that nodes have said they have
  std::size_t scanned_bytes_ = 0;  // to tell leaves
};

}  // namespace penstock::pdf
