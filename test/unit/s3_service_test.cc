#include "loadgen/emulate/s3_service.h"

#include <string>
#include <utility>

#include "engine/core/sha256.h"
#include "engine/core/uri.h"
#include "engine/http/aws_signature.h"
#include "engine/http/xml.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

std::string hash_of(const std::string& body) {
  const Sha256 digest = sha256(body);
  return to_hex(digest);
}

// A service in a time of its own, and a client that signs for it.
class World {
 public:
  explicit World(std::vector<std::string> buckets = {}) : service_(options(std::move(buckets))) {}

  S3Answer ask(const std::string& method, const std::string& target, std::string body = "",
               const HttpHeaders& headers = {}) {
    ServedRequest request{method, target, {{"Host", "emulator"}}, "", std::move(body)};
    request.headers.add("x-amz-date", "20130524T000000Z");
    request.headers.add("x-amz-content-sha256", hash_of(request.body));
    const auto parsed = parse_s3_target(target);
    AwsSigned what{
        method,      parsed->path, parsed->query, {}, hash_of(request.body), "20130524T000000Z",
        "us-east-1", "s3"};
    for (const auto& [name, value] : request.headers)
      what.headers.emplace(name == "Host" ? "host" : name, value);
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    request.headers.add("Authorization",
                        "AWS4-HMAC-SHA256 Credential=key/20130524/us-east-1/s3/aws4_request, "
                        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" +
                            aws_signature(what, "secret"));
    return service_.answer(request);
  }
  std::string code(const std::string& method, const std::string& target, std::string body = "",
                   const HttpHeaders& headers = {}) {
    const S3Answer answer = ask(method, target, std::move(body), headers);
    if (answer.status / 100 == 2) return std::to_string(answer.status);
    return std::string(parse_xml(answer.body).value().text_of("Code"));
  }

 private:
  static S3ServiceOptions options(std::vector<std::string> buckets) {
    S3ServiceOptions options;
    options.credentials = {"key", "secret", "", "us-east-1"};
    options.buckets = std::move(buckets);
    options.now = [] { return std::chrono::sys_days(std::chrono::year(2013) / 5 / 24); };
    return options;
  }

  S3Service service_;
};

std::string_view header(const S3Answer& answer, std::string_view name) {
  return answer.headers.find(name).value_or("none");
}

TEST_CASE("s3 emulator: an object has the headers of S3's") {
  World world;
  CHECK(header(world.ask("PUT", "/b/k", "content"), "etag") ==
        "\"9a0364b9e99bb480dd25e1f0284c8555\"");
  const S3Answer got = world.ask("GET", "/b/k");
  CHECK(got.status == 200);
  CHECK(got.body == "content");
  CHECK(header(got, "etag") == "\"9a0364b9e99bb480dd25e1f0284c8555\"");
  CHECK(header(got, "last-modified") == "Fri, 24 May 2013 00:00:00 GMT");
  CHECK(header(got, "accept-ranges") == "bytes");
  const S3Answer head = world.ask("HEAD", "/b/k");
  CHECK(head.bytes == 7);
  CHECK(head.body.empty());
}

TEST_CASE("s3 emulator: a range is a part of the content") {
  World world;
  world.ask("PUT", "/b/k", "0123456789");
  const auto part = [&](const std::string& range) {
    const S3Answer answer = world.ask("GET", "/b/k", "", {{"Range", range}});
    return std::to_string(answer.status) + " " +
           (answer.status / 100 == 2 ? answer.body : std::string("none"));
  };
  CHECK(part("bytes=3-5") == "206 345");
  CHECK(part("bytes=3-") == "206 3456789");
  CHECK(part("bytes=-3") == "206 789");
  CHECK(part("bytes=3-99") == "206 3456789");
  CHECK(part("bytes=0-99") == "200 0123456789");
  CHECK(part("bytes=10-") == "416 none");
  CHECK(part("bytes=5-3") == "416 none");
  CHECK(part("bytes=-0") == "416 none");
  CHECK(part("bytes=x-") == "200 0123456789");
  CHECK(part("lines=1-2") == "200 0123456789");
  CHECK(header(world.ask("GET", "/b/k", "", {{"Range", "bytes=3-5"}}), "content-range") ==
        "bytes 3-5/10");
  CHECK(world.code("GET", "/b/k", "", {{"If-Match", "\"other\""}}) == "PreconditionFailed");
}

TEST_CASE("s3 emulator: errors have S3's names") {
  World world({"only"});
  world.ask("PUT", "/only/k", "content");
  CHECK(world.code("GET", "/only/none") == "NoSuchKey");
  CHECK(world.code("GET", "/none/k") == "NoSuchBucket");
  CHECK(world.code("PUT", "/none/k", "x") == "NoSuchBucket");
  CHECK(world.code("GET", "/none?list-type=2") == "NoSuchBucket");
  CHECK(world.code("DELETE", "/only/none") == "204");
  CHECK(world.code("GET", "/only/k?acl") == "NotImplemented");
  CHECK(world.code("GET", "/only") == "NotImplemented");
  CHECK(world.code("PUT", "/only/k", "x", {{"Content-MD5", "AAAA"}}) == "BadDigest");
  CHECK(world.code("PUT", "/only/k", "x", {{"x-amz-checksum-sha256", "AAAA"}}) ==
        "AccessDenied");  // what is AWS's must be signed
  CHECK(world.code("GET", "/only/k?uploadId=none") == "NoSuchUpload");
  CHECK(world.code("GET", "/only?list-type=2&continuation-token=%25") == "InvalidArgument");
  CHECK(world.code("GET", "/only?list-type=2&max-keys=x") == "InvalidArgument");
  CHECK(world.code("GET", "/only/k") == "200");
}

TEST_CASE("s3 emulator: uploads are completed of the parts that are named and no others") {
  World world;
  const S3Answer begun = world.ask("POST", "/b/k?uploads");
  const std::string id(parse_xml(begun.body).value().text_of("UploadId"));
  const std::string upload = "/b/k?uploadId=" + uri_encoded(id);
  const std::string large(5 << 20, 'x');
  const std::string one(header(world.ask("PUT", upload + "&partNumber=1", large), "etag"));
  const std::string two(header(world.ask("PUT", upload + "&partNumber=2", "end"), "etag"));
  const auto part = [](int number, const std::string& etag) {
    return "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag +
           "</ETag></Part>";
  };
  const auto complete = [&](const std::string& parts) {
    return world.code("POST", upload,
                      "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>");
  };
  CHECK(world.code("PUT", upload + "&partNumber=0", "x") == "InvalidArgument");
  CHECK(complete("") == "MalformedXML");
  CHECK(complete(part(1, one) + part(2, one)) == "InvalidPart");
  CHECK(complete(part(2, two) + part(1, one)) == "EntityTooSmall");
  CHECK(complete(part(1, one) + part(1, one)) == "InvalidPartOrder");
  CHECK(complete(part(3, one)) == "InvalidPart");
  CHECK(world.code("GET", "/b/k") == "NoSuchKey");
  CHECK(complete(part(1, one) + part(2, two)) == "200");
  const S3Answer got = world.ask("GET", "/b/k");
  CHECK(got.body == large + "end");
  // md5(md5(part 1) + md5(part 2))-2
  CHECK(header(got, "etag").ends_with("-2\""));
  CHECK(complete(part(1, one) + part(2, two)) == "NoSuchUpload");
}

TEST_CASE("s3 emulator: an aborted upload is gone and so is it from the list") {
  World world;
  const std::string id(
      parse_xml(world.ask("POST", "/b/a%20k?uploads").body).value().text_of("UploadId"));
  const auto listed = [&](const std::string& prefix) {
    return parse_xml(world.ask("GET", "/b?uploads=&encoding-type=url&prefix=" + prefix).body)
        .value();
  };
  const XmlElement list = listed("a");
  REQUIRE(list.find("Upload") != nullptr);
  CHECK(list.find("Upload")->text_of("Key") == "a+k");
  CHECK(list.find("Upload")->text_of("UploadId") == id);
  CHECK(listed("b").find("Upload") == nullptr);
  CHECK(world.code("DELETE", "/b/a%20k?uploadId=" + uri_encoded(id)) == "204");
  CHECK(listed("").find("Upload") == nullptr);
}

TEST_CASE("s3 emulator: parts are listed page by page") {
  World world;
  const std::string id(
      parse_xml(world.ask("POST", "/b/k?uploads").body).value().text_of("UploadId"));
  const std::string upload = "/b/k?uploadId=" + uri_encoded(id);
  for (int i = 1; i <= 5; ++i)
    world.ask("PUT", upload + "&partNumber=" + std::to_string(i), std::string(i, 'x'));
  const XmlElement page =
      parse_xml(world.ask("GET", upload + "&max-parts=2&part-number-marker=1").body).value();
  CHECK(page.text_of("IsTruncated") == "true");
  CHECK(page.text_of("NextPartNumberMarker") == "3");
  CHECK(page.find("Part")->text_of("PartNumber") == "2");
  CHECK(page.find("Part")->text_of("Size") == "2");
  const XmlElement rest =
      parse_xml(world.ask("GET", upload + "&part-number-marker=3").body).value();
  CHECK(rest.text_of("IsTruncated") == "false");
}

}  // namespace
}  // namespace penstock
