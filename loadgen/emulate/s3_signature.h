// Who is let into the emulated object store.
#pragma once

#include <chrono>
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

// Why the request would not be let in; absent if it would.
std::optional<S3Refusal> refuse_signature(const ServedRequest& request, const S3Target& target,
                                          const S3Credentials& credentials,
                                          std::chrono::system_clock::time_point now);

}  // namespace penstock
