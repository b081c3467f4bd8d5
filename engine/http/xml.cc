#include "engine/http/xml.h"

#include <expat.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace penstock {
namespace {

constexpr std::size_t depth_max = 16;

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

struct Reading {
  XML_Parser parser = nullptr;
  XmlElement above;                       // its only child is the root
  std::vector<XmlElement*> open{&above};  // an element gains no sibling before it is closed
};

void on_start(void* user, const XML_Char* name, const XML_Char** /*attributes*/) {
  Reading& reading = *static_cast<Reading*>(user);
  if (reading.open.size() > depth_max) {
    XML_StopParser(reading.parser, XML_FALSE);
    return;
  }
  const std::string_view full = name;
  const std::size_t colon = full.rfind(':');
  std::vector<XmlElement>& children = reading.open.back()->children;
  children.push_back(
      {std::string(colon == std::string_view::npos ? full : full.substr(colon + 1)), {}, {}});
  reading.open.push_back(&children.back());
}

void on_end(void* user, const XML_Char* /*name*/) {
  static_cast<Reading*>(user)->open.pop_back();
}

void on_text(void* user, const XML_Char* text, int length) {
  static_cast<Reading*>(user)->open.back()->text.append(text, static_cast<std::size_t>(length));
}

void on_doctype(void* user, const XML_Char* /*name*/, const XML_Char* /*system*/,
                const XML_Char* /*public_id*/, int /*has_internal_subset*/) {
  XML_StopParser(static_cast<Reading*>(user)->parser, XML_FALSE);
}

}  // namespace

const XmlElement* XmlElement::find(std::string_view child) const {
  const auto found = std::ranges::find(children, child, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::text_of(std::string_view child) const {
  const XmlElement* found = find(child);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

std::string xml_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

Result<XmlElement> parse_xml(std::string_view document) {
  if (document.size() > std::numeric_limits<int>::max()) return retryable_error("too much XML");
  const Parser parser(XML_ParserCreate(nullptr));
  if (!parser) throw std::bad_alloc();
  Reading reading;
  reading.parser = parser.get();
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_doctype);
  if (XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE) !=
      XML_STATUS_OK)
    return retryable_error(std::string("an answer that is no XML (") +
                           XML_ErrorString(XML_GetErrorCode(parser.get())) + ")");
  return std::move(reading.above.children.front());
}

}  // namespace penstock
