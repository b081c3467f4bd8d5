// Optional content (ISO 32000-1, 8.11): what a reader shows when the document is opened.
#pragma once

#include <poppler/Object.h>

#include <unordered_map>

#include "engine/stages/extract/pdf/document.h"

namespace penstock::pdf {

// One thread.
class OptionalContent {
 public:
  explicit OptionalContent(Document& document) : document_(document) {}

  // `membership`: a group or a membership dictionary, or a reference to one. What is neither, null
  // among it, is always visible.
  bool is_visible(const Object& membership);

 private:
  bool evaluate(const Object& membership);
  bool evaluate_expression(const Object& expression, int depth, int& terms_left);
  bool is_group_on(const Object& group) const;

  Document& document_;
  std::unordered_map<Ref, bool> known_;
};

}  // namespace penstock::pdf
