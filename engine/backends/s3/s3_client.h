// Requests to an object store that speaks S3's protocol, signed.
#pragma once

#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/backends/s3/s3_location.h"
#include "engine/backends/s3/s3_options.h"
#include "engine/core/backoff.h"
#include "engine/core/error.h"
#include "engine/http/aws_signature.h"
#include "engine/http/http_client.h"

namespace penstock {

struct S3Request {
  std::string method = "GET";
  S3Location at;                             // a bucket, if the key is empty
  std::map<std::string, std::string> query;  // raw names and values
  HttpHeaders headers;
  std::string body;
  HttpRequest::Sink sink;
};

// The pauses that one operation may still make.
class S3Patience {
 public:
  explicit S3Patience(const S3Options& options);

  // The next pause; absent when they are used up.
  std::optional<Duration> next();
  // Something was got: it begins anew.
  void reset();

 private:
  const Duration patience_;
  Duration left_;
  Backoff backoff_;
};

class S3Client {
 public:
  // Throws FatalError when the options make no request possible.
  explicit S3Client(S3Options options);
  // Calls must have returned; stop() makes them.
  ~S3Client();
  S3Client(const S3Client&) = delete;
  S3Client& operator=(const S3Client&) = delete;

  // One attempt; a response of any status is a value. Without an access key it is not signed: a
  // public bucket wants no signature. Does not block; any thread.
  std::future<Result<HttpResponse>> start(S3Request request);

  // Attempts until one succeeds or is refused for good, which is a value, too; an error once
  // patience has ended. The request has no sink. Blocks; any thread.
  Result<HttpResponse> ask(const S3Request& request);

  // Pauses before another attempt; false when there is none to be made. Blocks; any thread.
  bool pause(S3Patience& patience);

  // Ends with a cancelled error what is under way, and whatever is asked from now on. Any thread.
  void stop();

  const S3Options& options() const { return options_; }

 private:
  HttpRequest to_http(S3Request request) const;

  const S3Options options_;
  const std::string base_url_;
  const AwsCredentials credentials_;

  std::mutex mutex_;
  std::condition_variable stopped_;
  std::unique_ptr<HttpClient> http_;  // guarded by mutex_; null once stopped
};

}  // namespace penstock
