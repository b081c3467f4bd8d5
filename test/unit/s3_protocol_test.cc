#include <string>

#include "engine/backends/s3/s3_error.h"
#include "engine/backends/s3/s3_listing.h"
#include "engine/backends/s3/s3_location.h"
#include "engine/http/xml.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Catch::Matchers::StartsWith;

TEST_CASE("s3 protocol: a location is a bucket and a key to the last byte") {
  const auto parsed = parse_s3_location("s3://my.bucket-1/a//b /?#%41+");
  REQUIRE(parsed.has_value());
  CHECK(parsed->bucket == "my.bucket-1");
  CHECK(parsed->key == "a//b /?#%41+");
  CHECK(to_string(*parsed) == "s3://my.bucket-1/a//b /?#%41+");
  CHECK(parse_s3_location("s3://bucket").value().key.empty());
  CHECK(parse_s3_location("s3://bucket/").value().key.empty());
  CHECK(parse_s3_location("s3://bucket//").value().key == "/");
  for (const char* none : {"", "s3:/b/k", "S3://b/k", "s3://", "s3:///k", "s3://../k", "s3://b?/k"})
    CHECK_FALSE(parse_s3_location(none).has_value());
}

TEST_CASE("s3 protocol: XML is read strictly") {
  const auto root =
      parse_xml("<?xml version=\"1.0\"?>\n<s:a xmlns:s='x'><b>1 &amp; <i/>2</b><b>3</b></s:a>");
  REQUIRE(root.has_value());
  CHECK(root->name == "a");
  CHECK(root->text_of("b") == "1 & 2");
  CHECK(root->text_of("none").empty());
  CHECK(root->children.size() == 2);
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "<a>";
  for (int i = 0; i < 17; ++i) deep += "</a>";
  for (const std::string& none :
       {std::string(), std::string("<a>"), std::string("<a></b>"), std::string("<a/><b/>"),
        std::string("text"), std::string("<a>&x;</a>"), std::string("<a>\x01</a>"),
        std::string("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), deep}) {
    INFO(none);
    const auto refused = parse_xml(none);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::retryable);
    CHECK_THAT(refused.error().message, StartsWith("an answer that is no XML ("));
  }
  CHECK(parse_xml(deep.substr(3, deep.size() - 7)).has_value());
}

TEST_CASE("s3 protocol: a listing is read as it stands") {
  const auto page = parse_listing(R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>bucket</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
  <NextContinuationToken>1/x==</NextContinuationToken>
  <Contents><Key>a+b%2B%C3%A9/</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
    <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size></Contents>
  <CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>
</ListBucketResult>)");
  REQUIRE(page.has_value());
  CHECK(page->next == "1/x==");
  REQUIRE(page->objects.size() == 1);
  CHECK(page->objects[0].key == "a b+é/");
  CHECK(page->objects[0].stamp.bytes == 434'234);
  CHECK(page->objects[0].stamp.modified_ns == 1'255'369'830'000'000'000);
  CHECK(page->objects[0].stamp.changed_ns != 0);
}

TEST_CASE("s3 protocol: what is no whole listing is none") {
  const auto why = [](const std::string& inner) {
    const auto page = parse_listing("<ListBucketResult>" + inner + "</ListBucketResult>");
    REQUIRE_FALSE(page.has_value());
    CHECK(page.error().kind == ErrorKind::retryable);
    return page.error().message;
  };
  const std::string last = "<IsTruncated>false</IsTruncated>";
  const auto object = [&](const std::string& fields) {
    return last + "<Contents>" + fields + "</Contents>";
  };
  const std::string time = "<LastModified>2009-10-12T17:50:30.000Z</LastModified>";
  CHECK(why("") == "an answer that is no listing: it does not say whether it goes on");
  CHECK(why("<IsTruncated>true</IsTruncated>") ==
        "an answer that is no listing: it goes on, but does not say where");
  CHECK(why(object("<Size>1</Size>" + time)) ==
        "an answer that is no listing: an object has no key");
  CHECK(why(object("<Key>k</Key><Size>1x</Size>" + time)) ==
        "an answer that is no listing: an object has no size");
  CHECK(why(object("<Key>k</Key><Size>1</Size><LastModified>today</LastModified>")) ==
        "an answer that is no listing: an object has no time");
  CHECK(why("<EncodingType>url</EncodingType>" + object("<Key>%</Key><Size>1</Size>" + time)) ==
        "an answer that is no listing: a key has a broken escape");
}

TEST_CASE("s3 protocol: an object without an ETag has a stamp that proves nothing") {
  const auto page = parse_listing(
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>100%</Key><Size>1</Size>"
      "<LastModified>2009-10-12T17:50:30Z</LastModified></Contents></ListBucketResult>");
  REQUIRE(page.has_value());
  CHECK(page->objects.at(0).key == "100%");
  CHECK(page->objects[0].stamp.changed_ns == 0);
  CHECK_FALSE(page->objects[0].stamp.proves_unchanged_since(page->objects[0].stamp));
}

TEST_CASE("s3 protocol: refused credentials are no object's fault") {
  const auto kind = [](int status, const std::string& code) {
    HttpResponse response;
    response.status = status;
    response.body = "<Error><Code>" + code + "</Code></Error>";
    return failure_of(response).value().kind;
  };
  CHECK(kind(403, "InvalidAccessKeyId") == ErrorKind::misconfigured);
  CHECK(kind(403, "SignatureDoesNotMatch") == ErrorKind::misconfigured);
  CHECK(kind(400, "ExpiredToken") == ErrorKind::misconfigured);
  CHECK(kind(403, "AccessDenied") == ErrorKind::permanent);
  CHECK(kind(404, "NoSuchKey") == ErrorKind::permanent);
  CHECK(kind(503, "SlowDown") == ErrorKind::retryable);
}

TEST_CASE("s3 protocol: answers without a body are told by their status") {
  const auto message = [](int status, HttpHeaders headers = {}) {
    HttpResponse response;
    response.status = status;
    response.headers = std::move(headers);
    return failure_of(response).value().message;
  };
  CHECK(message(404) == "no such object");
  CHECK_THAT(message(403), StartsWith("access denied: check the access key"));
  CHECK(message(301, {{"x-amz-bucket-region", "eu-west-1"}}) ==
        "the bucket is in another region; check AWS_REGION (it is in eu-west-1)");
  CHECK(message(418) == "HTTP 418");
}

}  // namespace
}  // namespace penstock
