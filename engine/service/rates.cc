#include "engine/service/rates.h"

#include <algorithm>
#include <cmath>

namespace penstock {

std::optional<std::chrono::seconds> Rates::take(const std::string& key, std::uint64_t per_minute,
                                                TimePoint now) {
  if (per_minute == 0) return std::nullopt;
  const auto full = static_cast<double>(per_minute);
  const double per_second = full / 60;
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = buckets_.try_emplace(key, Bucket{full, now});
  Bucket& bucket = found->second;
  const double elapsed_s = std::chrono::duration<double>(now - bucket.filled_at).count();
  bucket.requests = std::min(full, bucket.requests + std::max(elapsed_s, 0.0) * per_second);
  bucket.filled_at = now;
  if (bucket.requests >= 1) {
    bucket.requests -= 1;
    return std::nullopt;
  }
  const double wait_s = std::ceil((1 - bucket.requests) / per_second);
  return std::chrono::seconds(static_cast<std::int64_t>(std::max(wait_s, 1.0)));
}

}  // namespace penstock
