// What a client sends to the emulated object store, before and after the signature lets it in.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/core/sha256.h"
#include "engine/http/aws_signature.h"
#include "engine/http/xml.h"
#include "loadgen/emulate/s3_service.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

constexpr const char* time_of_all = "20130524T000000Z";

S3ServiceOptions options() {
  S3ServiceOptions options;
  options.credentials = {"key", "secret", "", "us-east-1"};
  options.now = [] { return std::chrono::sys_days(std::chrono::year(2013) / 5 / 24); };
  return options;
}

std::string next_line(std::string_view& text) {
  const std::string line(text.substr(0, text.find('\n')));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

void sign(ServedRequest& request, const S3Target& target) {
  const Sha256 digest = sha256(request.body);
  const std::string hash = to_hex(digest);
  request.headers.add("x-amz-date", time_of_all);
  request.headers.add("x-amz-content-sha256", hash);
  const AwsSigned what{
      request.method, target.path,
      target.query,   {{"x-amz-date", time_of_all}, {"x-amz-content-sha256", hash}},
      hash,           time_of_all,
      "us-east-1",    "s3"};
  request.headers.add("Authorization",
                      "AWS4-HMAC-SHA256 Credential=key/20130524/us-east-1/s3/aws4_request, "
                      "SignedHeaders=x-amz-content-sha256;x-amz-date, Signature=" +
                          aws_signature(what, "secret"));
}

void check(const ServedRequest& request, const S3Answer& answer) {
  REQUIRE(answer.status >= 200 && answer.status < 600);
  REQUIRE(answer.bytes == answer.body.size() || request.method == "HEAD");
  if (answer.status >= 400) REQUIRE(parse_xml(answer.body)->name == "Error");
}

// METHOD TARGET, a header a line as NAME:VALUE, an empty line, and the body.
void check_request(std::string_view text) {
  S3Service service(options());
  for (const char* key : {"/b/a%20b", "/b/c"}) {
    ServedRequest put{"PUT", key, {}, "", "content"};
    sign(put, *parse_s3_target(key));
    REQUIRE(service.answer(put).status == 200);
  }
  ServedRequest request;
  const std::string first = next_line(text);
  const std::size_t blank = std::min(first.find(' '), first.size());
  request.method = first.substr(0, blank);
  request.target = first.substr(std::min(first.size(), blank + 1));
  for (std::string line = next_line(text); !line.empty(); line = next_line(text)) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    request.headers.add(line.substr(0, colon), line.substr(std::min(line.size(), colon + 1)));
  }
  request.body = text;
  const S3Answer unsigned_answer = service.answer(request);
  REQUIRE(unsigned_answer.operation == S3Operation::refused);
  const auto target = parse_s3_target(request.target);
  if (!target) return;
  sign(request, *target);
  check(request, service.answer(request));
  check(request, service.answer(request));
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::check_request({reinterpret_cast<const char*>(data), size});
  return 0;
}
