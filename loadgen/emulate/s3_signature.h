// AWS Signature Version 4, from the verifier's side: written from AWS's specification, apart from
// what signs, which it judges.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/http/http_server.h"
#include "loadgen/emulate/s3_target.h"

namespace penstock {

struct S3Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty: none is wanted
  std::string region = "us-east-1";
};

// An answer of S3 that says what is wrong.
struct S3Refusal {
  int status = 400;
  std::string code;
  std::string message;
};

// What a signature covers.
struct S3Signed {
  std::string method;
  std::string path;                            // decoded
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // those that are signed; names in small letters
  std::string payload_hash;
  std::string time;  // 20130524T000000Z
  std::string region;
  std::string service;
};

// In lower-case hexadecimal.
std::string signature_of(const S3Signed& what, std::string_view secret_key);

// Why the request would not be let in; absent if it would.
std::optional<S3Refusal> refuse_signature(const ServedRequest& request, const S3Target& target,
                                          const S3Credentials& credentials,
                                          std::chrono::system_clock::time_point now);

}  // namespace penstock
