// Requests to an index of Pinecone, many at once, each made again as long as that may help.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/backends/pinecone/index_address.h"
#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/core/secret.h"
#include "engine/http/http_client.h"

namespace penstock {

struct PineconeOptions {
  std::string url;  // as in index_address.h
  Secret api_key;
  HttpClientOptions http;
  // Of one call, at most; each holds up to 2 MB. The service takes 50 MB/s a namespace, which these
  // reach if an upsert takes up to 0.6 s.
  std::size_t requests_in_flight = 16;
  // How long a request that fails by the service's fault is made again, and how long written
  // records may take to become visible. From the first failure.
  Duration patience = std::chrono::seconds(60);
  // Between a request's attempts, doubled from one to the next; or as Retry-After says.
  Duration pause_first = std::chrono::milliseconds(50);
  Duration pause_max = std::chrono::seconds(2);
};

struct IndexRequest {
  std::string method;
  std::string target;  // path and query
  std::string body;
  // Called with a success (or with a namespace that is not there yet: status 404 and the body {}),
  // on the thread that runs the request. An error that is retryable has the request made again,
  // another ends the run. `more` takes what is to follow.
  std::function<Result<void>(HttpResponse& response, std::vector<IndexRequest>& more)> take;
};

class IndexClient {
 public:
  // Throws FatalError for what is no address of an index.
  explicit IndexClient(const PineconeOptions& options);

  // Absent: there are no more. Asked when there is room for another.
  using Source = std::function<std::optional<IndexRequest>()>;

  // Runs the requests and those that follow, and returns when all have ended: none is under way
  // after an error either. Any thread; runs do not wait for each other.
  Result<void> run(const Source& source) { return run(source, options_.patience); }
  Result<void> run(const Source& source, Duration patience);
  Result<void> run(std::vector<IndexRequest> requests) {
    return run(std::move(requests), options_.patience);
  }
  Result<void> run(std::vector<IndexRequest> requests, Duration patience);

  const IndexAddress& address() const { return address_; }
  Duration patience() const { return options_.patience; }

  // "pinecone://...: what", in one line, without the key.
  std::string about(std::string_view what) const;

 private:
  struct Attempt;
  class Run;
  HttpRequest http_request(const IndexRequest& request) const;
  // What comes of an answer, as take() says or the status.
  Result<void> settle(const IndexRequest& request, Result<HttpResponse>& result,
                      std::vector<IndexRequest>& more) const;

  const PineconeOptions options_;
  const IndexAddress address_;
  HttpClient http_;
};

}  // namespace penstock
