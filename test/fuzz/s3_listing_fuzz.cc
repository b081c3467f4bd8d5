// What an object store answers: a listing, and an error.
#include <algorithm>
#include <cstdint>
#include <string>

#include "engine/backends/s3/s3_error.h"
#include "engine/backends/s3/s3_listing.h"
#include "engine/http/xml.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

std::size_t depth_of(const XmlElement& element) {
  std::size_t deepest = 0;
  for (const XmlElement& child : element.children) deepest = std::max(deepest, depth_of(child));
  return deepest + 1;
}

void check_answer(const std::string& body) {
  const Result<XmlElement> root = parse_xml(body);
  if (root) {
    REQUIRE(!root->name.empty());
    REQUIRE(depth_of(*root) <= 16);
    REQUIRE(parse_xml("<a>" + xml_escaped(root->name) + "</a>")->text == root->name);
  }
  const Result<S3Page> page = parse_listing(body);
  if (page) {
    REQUIRE(root.has_value());
    for (const S3Object& object : page->objects) REQUIRE(!object.key.empty());
  } else {
    REQUIRE(page.error().kind == ErrorKind::retryable);
  }
  for (const int status : {200, 400, 403, 404, 503}) {
    HttpResponse response;
    response.status = status;
    response.body = body;
    const auto failure = failure_of(response);
    REQUIRE(status == 200 || failure.has_value());
    if (failure) REQUIRE(failure->message.find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::check_answer({reinterpret_cast<const char*>(data), size});
  return 0;
}
