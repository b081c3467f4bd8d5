#include "loadgen/emulate/quota_enforcer.h"

#include <chrono>

namespace penstock {
namespace {

constexpr std::int64_t history_seconds_max = std::chrono::seconds(std::chrono::hours(24)).count();

}  // namespace

std::size_t QuotaEnforcer::add_key(KeyLimits limits) {
  keys_.emplace_back(limits);
  return keys_.size() - 1;
}

QuotaDecision QuotaEnforcer::ask(std::size_t index, std::uint64_t tokens, TimePoint now) {
  Key& key = keys_[index];
  if (!first_) first_ = now;
  last_ = now;
  ++key.use.asked;
  key.request_window.add(1, now);
  key.token_window.add(tokens, now);

  QuotaDecision decision;
  decision.refusal = decide(key, tokens, now);
  if (decision.refusal) {
    ++key.use.violations;
  } else {
    record(key, tokens, now);
  }
  const auto level = [&](RefillBucket& bucket, std::uint64_t limit) {
    return QuotaLevel{limit, bucket.left(now), bucket.time_until(limit, now)};
  };
  decision.requests = level(key.request_bucket, key.limits.requests_per_minute);
  decision.tokens = level(key.token_bucket, key.limits.tokens_per_minute);
  return decision;
}

std::optional<QuotaRefusal> QuotaEnforcer::decide(Key& key, std::uint64_t tokens, TimePoint now) {
  const auto refusal = [&](QuotaKind kind, RefillBucket& bucket, std::uint64_t limit,
                           std::uint64_t requested) {
    QuotaRefusal refused{kind, limit - bucket.left(now), requested, std::nullopt};
    if (requested <= limit) refused.retry_after = bucket.time_until(requested, now);
    return refused;
  };
  if (!key.request_bucket.has(1, now))
    return refusal(QuotaKind::requests, key.request_bucket, key.limits.requests_per_minute, 1);
  key.request_bucket.take(1);
  if (!key.token_bucket.has(tokens, now))
    return refusal(QuotaKind::tokens, key.token_bucket, key.limits.tokens_per_minute, tokens);
  key.token_bucket.take(tokens);
  return std::nullopt;
}

void QuotaEnforcer::record(Key& key, std::uint64_t tokens, TimePoint now) const {
  ++key.use.requests;
  key.use.tokens += tokens;
  if (now - *first_ > std::chrono::minutes(1)) {
    key.use.steady_tokens += tokens;
  }
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now - *first_).count();
  if (key.history.empty() || key.history.back().second != second)
    key.history.push_back({second, 0, 0});
  ++key.history.back().requests;
  key.history.back().tokens += tokens;
  while (key.history.front().second <= second - history_seconds_max) key.history.pop_front();
}

QuotaUse QuotaEnforcer::use(std::size_t index) const {
  const Key& key = keys_[index];
  QuotaUse use = key.use;
  use.overshoot_requests_max = key.request_window.overshoot_max();
  use.overshoot_tokens_max = key.token_window.overshoot_max();
  return use;
}

Duration QuotaEnforcer::span() const {
  return first_ ? last_ - *first_ : Duration{};
}

void QuotaEnforcer::reset() {
  first_.reset();
  for (Key& key : keys_) {
    key.use = {};
    key.history.clear();
    key.request_window.reset_overshoot();
    key.token_window.reset_overshoot();
  }
}

}  // namespace penstock
