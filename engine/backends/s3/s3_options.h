// Where objects are, and who asks for them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/core/clock.h"
#include "engine/http/http_client.h"

namespace penstock {

struct S3Options {
  // http or https, HOST[:PORT], and a path if the service has one, such as
  // https://REF.storage.supabase.co/storage/v1/s3. Empty: AWS in `region`. Buckets are named in the
  // path, which every service takes.
  std::string endpoint;
  std::string region = "us-east-1";
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty: the key is not a temporary one

  // A request that fails for the service's or the network's sake is repeated after a pause, which
  // doubles; the pauses of one operation that gets nowhere add up to `patience` at most.
  Duration first_pause = std::chrono::milliseconds(200);
  Duration longest_pause = std::chrono::seconds(10);
  Duration patience = std::chrono::minutes(1);

  // What is larger is sent in parts of this size, or of a ten-thousandth of it if that is more.
  // S3 takes no part below 5 MB but the last.
  std::size_t part_bytes = 8 << 20;
  // Of one object, at once; each is a copy in memory.
  std::size_t parts_in_flight = 4;

  HttpClientOptions http{.total_timeout = std::chrono::minutes(2)};
};

}  // namespace penstock
