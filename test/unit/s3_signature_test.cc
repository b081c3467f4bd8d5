#include "loadgen/emulate/s3_signature.h"

#include <chrono>
#include <string>

#include "test/support/catch.h"

namespace penstock {
namespace {

// The example of a range, as it arrives.
class Arrived {
 public:
  std::string code() const {
    const auto target = parse_s3_target("/test.txt");
    const auto refusal = refuse_signature(request, *target, credentials, now);
    return refusal ? refusal->code : "none";
  }

  ServedRequest request{
      "GET",
      "/test.txt",
      {{"Host", "examplebucket.s3.amazonaws.com"},
       {"Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
       {"Range", "bytes=0-9"},
       {"x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
       {"x-amz-date", "20130524T000000Z"}},
      ""};
  S3Credentials credentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "",
                            "us-east-1"};
  std::chrono::system_clock::time_point now =
      std::chrono::sys_days(std::chrono::year(2013) / 5 / 24);
};

TEST_CASE("s3 signature: lets in what is signed and refuses everything else by its name") {
  Arrived arrived;
  CHECK(arrived.code() == "none");

  SECTION("another secret") {
    arrived.credentials.secret_key = "another";
    CHECK(arrived.code() == "SignatureDoesNotMatch");
  }
  SECTION("another access key") {
    arrived.credentials.access_key = "another";
    CHECK(arrived.code() == "InvalidAccessKeyId");
  }
  SECTION("another region") {
    arrived.credentials.region = "eu-central-1";
    CHECK(arrived.code() == "AuthorizationHeaderMalformed");
  }
  SECTION("a token that is missing") {
    arrived.credentials.session_token = "token";
    CHECK(arrived.code() == "InvalidToken");
  }
  SECTION("a clock just right") {
    arrived.now += std::chrono::minutes(15);
    CHECK(arrived.code() == "none");
  }
  SECTION("a clock that is behind") {
    arrived.now += std::chrono::minutes(15) + std::chrono::seconds(1);
    CHECK(arrived.code() == "RequestTimeTooSkewed");
  }
  SECTION("a clock that is ahead") {
    arrived.now -= std::chrono::minutes(15) + std::chrono::seconds(1);
    CHECK(arrived.code() == "RequestTimeTooSkewed");
  }
  SECTION("another body") {
    arrived.request.body = "x";
    CHECK(arrived.code() == "XAmzContentSHA256Mismatch");
  }
  SECTION("another method") {
    arrived.request.method = "DELETE";
    CHECK(arrived.code() == "SignatureDoesNotMatch");
  }
  SECTION("a header of AWS's that is not signed") {
    arrived.request.headers.add("x-amz-copy-source", "/other/object");
    CHECK(arrived.code() == "AccessDenied");
  }
  SECTION("no signature") {
    arrived.request.headers = {{"Host", "examplebucket.s3.amazonaws.com"}};
    CHECK(arrived.code() == "AccessDenied");
  }
  SECTION("a signature in no known form") {
    arrived.request.headers = {{"Authorization", "AWS4-HMAC-SHA256 Credential=a/b"}};
    CHECK(arrived.code() == "AuthorizationHeaderMalformed");
  }
}

}  // namespace
}  // namespace penstock
