#include "engine/stages/extract/pdf/page_tree.h"

#include <poppler/Catalog.h>
#include <poppler/Dict.h>
#include <poppler/XRef.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace penstock::pdf {
namespace {

// Nodes that are no pages; real trees have one for ten pages or so.
constexpr std::uint32_t nodes_max = 100'000;
// Each kid is a page or a node, unless it is a mistake; a list of a million could be every node's.
constexpr std::uint32_t kids_max = pages_max + nodes_max;
// A page's own bytes are some hundred; the same ones may be looked at for every kid.
constexpr std::size_t scanned_bytes_max = 256 << 20;

std::optional<layout::PageBox> read_box(Document& document, const Object& object) {
  const Object array = document.resolve(object);
  if (!array.isArray() || array.arrayGetLength() < 4) return std::nullopt;
  std::array<float, 4> values;
  for (int i = 0; i < 4; ++i) {
    const Object value = document.element(array, i);
    if (!value.isNum() || !std::isfinite(value.getNum())) return std::nullopt;
    values[static_cast<std::size_t>(i)] = static_cast<float>(value.getNum());
  }
  const layout::PageBox box{std::min(values[0], values[2]), std::min(values[1], values[3]),
                            std::max(values[0], values[2]), std::max(values[1], values[3])};
  if (box.x1 <= box.x0 || box.y1 <= box.y0) return std::nullopt;
  return box;
}

}  // namespace

void PageTree::Inherited::take_from(const Dict& dictionary) {
  const auto take = [&](const char* key, Object& into) {
    if (const Object& value = dictionary.lookupNF(key); !value.isNull()) into = value.copy();
  };
  take("Resources", resources);
  take("MediaBox", media_box);
}

PageTree::PageTree(Document& document) : document_(document) {
  inherited_.push_back({Object(objNull), Object(objNull)});
  const Object catalog = document_.xref()->getCatalog();
  if (catalog.isDict()) walk(catalog.getDict()->lookupNF("Pages"), 0);
  if (leaves_.empty()) collect_strays();
}

bool PageTree::is_too_much() const {
  return leaves_.size() >= pages_max || visited_ >= nodes_max || kids_ >= kids_max ||
         scanned_bytes_ >= scanned_bytes_max;
}

// A page shared by two nodes is two pages; only a node among its own ancestors is a mistake.
void PageTree::walk(const Object& kid, std::uint32_t inherited) {
  if (is_too_much() || ancestors_.size() >= static_cast<std::size_t>(page_tree_depth_max)) return;
  const Ref ref = kid.isRef() ? kid.getRef() : Ref::INVALID();
  if (kid.isRef() && std::find(ancestors_.begin(), ancestors_.end(), ref) != ancestors_.end())
    return;
  if (kid.isRef() && is_certainly_a_leaf(ref)) {
    leaves_.push_back({ref, inherited});
    return;
  }
  const Object node = document_.resolve(kid);
  ++visited_;
  if (!node.isDict()) return;
  const Object kids = document_.lookup(node, "Kids");
  if (!kids.isArray()) {
    // An empty node is none; a dictionary without a type may be a page.
    if (document_.lookup(node, "Type").isName("Pages")) return;
    leaves_.push_back({ref, inherited, kid.isRef() ? Object(objNull) : node.copy()});
    return;
  }
  Inherited own = inherited_[inherited].copy();
  own.take_from(*node.getDict());
  const auto handed_down = static_cast<std::uint32_t>(inherited_.size());
  inherited_.push_back(std::move(own));
  ancestors_.push_back(ref);
  for (int i = 0; i < kids.arrayGetLength() && !is_too_much(); ++i, ++kids_)
    walk(kids.arrayGetNF(i), handed_down);
  ancestors_.pop_back();
}

// Told from its bytes: most of what is in a tree are leaves, and each will be parsed when its turn
// comes.
bool PageTree::is_certainly_a_leaf(Ref ref) {
  const std::optional<RawValue> raw = document_.peek(ref);
  if (!raw) return false;
  bool is_page = false;
  bool has_kids = false;
  const Byte* end =
      for_each_entry(raw->begin(), raw->end(), [&](std::string_view key, const RawValue& value) {
        if (key == "Type") is_page = value.is_name("Page");
        if (key == "Kids") has_kids = true;
      });
  scanned_bytes_ += static_cast<std::size_t>((end != nullptr ? end : raw->end()) - raw->begin());
  return end != nullptr && is_page && !has_kids;
}

// For a tree that leads nowhere: every page there is, in the order of their numbers.
void PageTree::collect_strays() {
  const int objects = document_.xref()->getNumObjects();
  for (int number = 1; number < objects && scanned_bytes_ < scanned_bytes_max; ++number) {
    const XRefEntry* entry = document_.xref()->getEntry(number, false);
    if (entry == nullptr || entry->type == xrefEntryFree || entry->type == xrefEntryNone) continue;
    const Ref ref{number, entry->type == xrefEntryCompressed ? 0 : entry->gen};
    if (is_certainly_a_leaf(ref)) leaves_.push_back({ref, 0});
  }
}

Page PageTree::page(std::uint32_t index) {
  const Leaf& leaf = leaves_[index];
  Page page;
  page.dictionary = leaf.ref == Ref::INVALID() ? leaf.direct.copy() : document_.fetch(leaf.ref);
  Inherited own = inherited_[leaf.inherited].copy();
  if (page.dictionary.isDict()) own.take_from(*page.dictionary.getDict());
  page.resources = std::move(own.resources);
  page.box = read_box(document_, own.media_box).value_or(layout::PageBox{});
  return page;
}

}  // namespace penstock::pdf
