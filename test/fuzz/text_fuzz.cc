// Any bytes as a page of a PDF and as a text file: what comes out is fit to be stored.
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/stages/extract/clean_text.h"
#include "engine/stages/extract/plain_text.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

void check_clean(const std::string& text) {
  REQUIRE(simdjson::validate_utf8(text.data(), text.size()));
  for (const char c : text)
    REQUIRE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
  REQUIRE(text.empty() || text.ends_with('\n'));
  REQUIRE(text.find(" \n") == std::string::npos);
  REQUIRE(text.find("\n\n\n") == std::string::npos);
}

void check(std::string_view bytes) {
  for (const TextKind kind : {TextKind::typeset, TextKind::plain}) {
    std::string page;
    append_clean_page(bytes, kind, page);
    check_clean(page);
  }
  const std::optional<std::string> text = decode_plain_text(bytes);
  if (!text) return;
  REQUIRE(simdjson::validate_utf8(text->data(), text->size()));
  const auto pages = split_pages(*text);
  REQUIRE(!pages.empty());
  // Between two pages stands a form feed, and one at the very end begins none.
  std::size_t size = pages.size() - 1 + (text->ends_with('\f') ? 1 : 0);
  for (const std::string_view page : pages) size += page.size();
  REQUIRE(size == text->size());
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
