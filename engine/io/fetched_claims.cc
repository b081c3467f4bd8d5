#include "engine/io/fetched_claims.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

constexpr std::size_t batch_max = 64;
constexpr std::chrono::milliseconds moment(100);

}  // namespace

std::size_t FetchedClaims::next_batch(TimePoint now) {
  batch_ = now - came_ < moment ? std::min(batch_ * 2, batch_max) : 1;
  return batch_;
}

std::optional<Claim> FetchedClaims::take() {
  const std::lock_guard lock(mutex_);
  if (claims_.empty()) return std::nullopt;
  Claim claim = std::move(claims_.front());
  claims_.pop_front();
  return claim;
}

bool FetchedClaims::add(Claim&& claim) {
  const std::lock_guard lock(mutex_);
  if (!is_closed_) claims_.push_back(std::move(claim));
  return !is_closed_;
}

bool FetchedClaims::add_first(Claim&& claim) {
  const std::lock_guard lock(mutex_);
  if (!is_closed_) claims_.push_front(std::move(claim));
  return !is_closed_;
}

bool FetchedClaims::is_closed() const {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

bool FetchedClaims::is_closed_within(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  return closing_.wait_for(lock, pause, [this] { return is_closed_; });
}

std::deque<Claim> FetchedClaims::close() {
  std::deque<Claim> left;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    left.swap(claims_);
  }
  closing_.notify_all();
  return left;
}

}  // namespace penstock
