// AWS Signature Version 4, for whoever signs a request and for whoever verifies one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "engine/http/http_client.h"

namespace penstock {

// What a signature covers.
struct AwsSigned {
  std::string method;
  std::string path;                            // decoded
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // those that are signed; names in small letters
  std::string payload_hash;                    // SHA-256 of the body, in lower-case hexadecimal
  std::string time;                            // 20130524T000000Z
  std::string region;
  std::string service;
};

// In lower-case hexadecimal.
std::string aws_signature(const AwsSigned& what, std::string_view secret_key);

struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty: the key is not a temporary one
  std::string region;
  std::string service;
};

// Adds to the request the headers that sign it and its body, Host among them. `path` and `query`
// are what its URL says, decoded. Not libcurl's signing: what that makes of paths and queries
// differs between 7.88 and 8.14, and the latter folds no path as it is.
void aws_sign(HttpRequest& request, std::string path, std::map<std::string, std::string> query,
              const AwsCredentials& credentials, std::chrono::system_clock::time_point now);

}  // namespace penstock
