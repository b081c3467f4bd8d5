// How many requests each API key may still make: a bucket that fills by the minute.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "engine/core/clock.h"

namespace penstock {

// Of one front of the service: with several, a key has the limit at each.
class Rates {
 public:
  // Counts a request. Absent: it may go on; else when the next one may. Any thread.
  std::optional<std::chrono::seconds> take(const std::string& key, std::uint64_t per_minute,
                                           TimePoint now);

 private:
  struct Bucket {
    double requests = 0;  // that may be made now
    TimePoint filled_at{};
  };

  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;  // guarded by mutex_; of keys that exist
};

}  // namespace penstock
