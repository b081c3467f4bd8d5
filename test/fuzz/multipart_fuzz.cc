// Any body as a form: it has the same parts however the network cuts it. The first byte says where
// it is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/service/multipart.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

// What the parser tells of the form, as one text.
std::string told(const std::string& boundary, std::string_view body, std::size_t piece) {
  std::string text;
  MultipartParser parser(boundary, {[&](const FormPart& part) -> Result<void> {
                                      text += "\n[" + part.name + "|" + part.file_name + "|" +
                                              part.media_type + "]";
                                      REQUIRE(part.file_name.find('/') == std::string::npos);
                                      return {};
                                    },
                                    [&](std::string_view bytes) -> Result<void> {
                                      text.append(bytes);
                                      return {};
                                    }});
  for (std::size_t at = 0; at < body.size(); at += piece)
    if (const auto fed = parser.feed(body.substr(at, piece)); !fed)
      return text + "\n" + fed.error().message;
  if (const auto whole = parser.finish(); !whole) text += "\n" + whole.error().message;
  return text;
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  if (size == 0) return 0;
  const std::size_t piece = std::max<std::size_t>(data[0], 1);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string boundary = form_boundary(text.substr(0, line)).value_or("b");
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  const std::string whole = told(boundary, body, std::max<std::size_t>(body.size(), 1));
  // What is too long for its place is refused once that is seen, which depends on where it is cut.
  if (body.size() < 64) REQUIRE(told(boundary, body, piece) == whole);
  static_cast<void>(told(boundary, body, piece));
  return 0;
}
