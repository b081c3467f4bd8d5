#include "engine/http/aws_signature.h"

#include <chrono>
#include <string>

#include "test/support/catch.h"

namespace penstock {
namespace {

// AWS's test suite for Signature Version 4, and the examples of S3's documentation.
struct Vector {
  const char* name;
  const char* secret;
  AwsSigned what;
  const char* signature;
};

constexpr const char* nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

AwsSigned suite(std::string method, std::string path, std::map<std::string, std::string> query) {
  return {
      std::move(method), std::move(path),
      std::move(query),  {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}},
      nothing,           "20150830T123600Z",
      "us-east-1",       "service"};
}

AwsSigned with_header(AwsSigned what, const char* name, const char* value,
                      const char* payload_hash = nothing) {
  what.headers[name] = value;
  what.payload_hash = payload_hash;
  return what;
}

AwsSigned example(std::string method, std::string path, std::map<std::string, std::string> query,
                  const char* payload_hash = nothing) {
  return {std::move(method),
          std::move(path),
          std::move(query),
          {{"host", "examplebucket.s3.amazonaws.com"},
           {"x-amz-date", "20130524T000000Z"},
           {"x-amz-content-sha256", payload_hash}},
          payload_hash,
          "20130524T000000Z",
          "us-east-1",
          "s3"};
}

constexpr const char* suite_secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr const char* example_secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

TEST_CASE("aws signature: is that of AWS's test suite and examples") {
  const std::string unreserved =
      "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  AwsSigned put = example("PUT", "/test$file.text", {},
                          "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  put.headers["date"] = "Fri, 24 May 2013 00:00:00 GMT";
  put.headers["x-amz-storage-class"] = "REDUCED_REDUNDANCY";
  const Vector vectors[] = {
      {"get-vanilla", suite_secret, suite("GET", "/", {}),
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query-order-key-case", suite_secret,
       suite("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}),
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-unreserved", suite_secret, suite("GET", unreserved, {}),
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8", suite_secret, suite("GET", "/\u1234", {}),
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"post-vanilla", suite_secret, suite("POST", "/", {}),
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-x-www-form-urlencoded", suite_secret,
       with_header(suite("POST", "/", {}), "content-type", "application/x-www-form-urlencoded",
                   "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
      {"GET an object's range", example_secret,
       with_header(example("GET", "/test.txt", {}), "range", "bytes=0-9"),
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"PUT an object", example_secret, put,
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"GET a bucket's lifecycle", example_secret, example("GET", "/", {{"lifecycle", ""}}),
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"list objects", example_secret, example("GET", "/", {{"max-keys", "2"}, {"prefix", "J"}}),
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (const Vector& vector : vectors) {
    INFO(vector.name);
    CHECK(aws_signature(vector.what, vector.secret) == vector.signature);
  }
}

TEST_CASE("aws signature: a request is signed with all of its headers") {
  HttpRequest request;
  request.url = "https://examplebucket.s3.amazonaws.com/test.txt";
  request.headers = {{"Range", "bytes=0-9"}};
  aws_sign(request, "/test.txt", {},
           {"AKIAIOSFODNN7EXAMPLE", example_secret, "", "us-east-1", "s3"},
           std::chrono::sys_days(std::chrono::year(2013) / 5 / 24));
  CHECK(request.headers.find("host") == "examplebucket.s3.amazonaws.com");
  CHECK(request.headers.find("x-amz-content-sha256") == nothing);
  CHECK(request.headers.find("authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

}  // namespace
}  // namespace penstock
