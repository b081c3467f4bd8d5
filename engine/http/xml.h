// XML documents as S3's answers are: small, without attributes that matter. Only xml.cc knows
// expat.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.h"

namespace penstock {

struct XmlElement {
  std::string name;  // without a namespace's prefix
  std::string text;  // of this element alone, in pieces put together
  std::vector<XmlElement> children;

  // The first of this name; null if there is none.
  const XmlElement* find(std::string_view child) const;
  // Its text, or empty.
  std::string_view text_of(std::string_view child) const;
};

// With what a text may not hold as entities.
std::string xml_escaped(std::string_view text);

// The root of a whole, well-formed document. A document type declaration, whose entities may grow
// without end, and what is nested deeper than 16 elements are errors, too: retryable, because an
// answer that is broken was broken on its way, or comes from something in between.
Result<XmlElement> parse_xml(std::string_view document);

}  // namespace penstock
