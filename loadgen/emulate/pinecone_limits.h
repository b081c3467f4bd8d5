// How often an emulated index may be asked: what the service allows on its paid plans.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/clock.h"
#include "loadgen/emulate/pinecone_error.h"
#include "loadgen/emulate/refill_bucket.h"

namespace penstock {

enum class PineconeOperation { upsert, query, erase, list, fetch, describe };

inline constexpr std::array<std::string_view, 6> pinecone_operation_names = {
    "upsert", "query", "delete", "list", "fetch", "describe_index_stats"};

// A second. Each is a bucket that starts full.
struct PineconeLimits {
  std::uint64_t upserts = 100;  // of a namespace
  std::uint64_t upsert_bytes = 50 << 20;
  std::uint64_t queries = 100;
  std::uint64_t deletes = 100;
  std::uint64_t lists = 200;  // of the index
  std::uint64_t fetches = 100;
  std::uint64_t describes = 100;
};

// One thread.
class PineconeRates {
 public:
  explicit PineconeRates(PineconeLimits limits) : limits_(limits) {}

  // Takes a request's part, or says why it cannot have it: then it takes nothing. `bytes` count for
  // an upsert only.
  std::optional<PineconeError> ask(PineconeOperation operation, const std::string& space,
                                   std::uint64_t bytes, TimePoint now);

 private:
  struct Buckets {
    RefillBucket requests;
    RefillBucket bytes;
  };

  std::uint64_t limit_of(PineconeOperation operation) const;

  const PineconeLimits limits_;
  std::map<std::pair<PineconeOperation, std::string>, Buckets> buckets_;
};

}  // namespace penstock
