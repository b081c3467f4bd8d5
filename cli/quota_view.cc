#include "cli/quota_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace penstock {
namespace {

int whole_seconds(Duration duration) {
  return static_cast<int>(std::ceil(std::chrono::duration<double>(duration).count()));
}

Duration shortest_pause(const ThrottleState& state) {
  Duration shortest = Duration::max();
  for (const KeyState& key : state.keys)
    if (!key.refused) shortest = std::min(shortest, key.paused_for);
  return shortest == Duration::max() ? Duration{0} : shortest;
}

}  // namespace

std::optional<double> quota_used(const ThrottleState& state) {
  double used = 0;
  double permitted = 0;
  for (const KeyState& key : state.keys) {
    if (!key.tokens_per_minute || key.refused) continue;
    const auto limit = static_cast<double>(*key.tokens_per_minute);
    used += key.tokens_utilisation * limit;
    permitted += limit;
  }
  if (permitted == 0) return std::nullopt;
  return used / permitted;
}

std::string quota_words(const ThrottleState& state) {
  if (state.endpoint_down)
    return fmt::format("the service is down, next try in {} s", whole_seconds(state.next_probe_in));
  const std::optional<double> used = quota_used(state);
  const std::string quota = used ? fmt::format("quota {:.0f}%", *used * 100) : std::string();
  std::string binds;
  switch (state.binding) {
    case Binding::nothing:
    case Binding::endpoint_down:
      break;
    case Binding::tokens:
      binds = "bound by tokens";
      break;
    case Binding::requests:
      binds = "bound by requests";
      break;
    case Binding::retry_after:
      binds = fmt::format("the service asks to wait {} s", whole_seconds(shortest_pause(state)));
      break;
    case Binding::requests_in_flight:
      binds = "bound by its answers";
      break;
    case Binding::budget:
      binds = "the budget is nearly spent";
      break;
    case Binding::shared_budget:
      binds = "waits for the fleet's quota: " + state.shared_budget_failure;
      break;
  }
  return quota + (quota.empty() || binds.empty() ? "" : ", ") + binds;
}

Json quota_json(const ThrottleState& state) {
  Json keys = Json::array();
  for (const KeyState& key : state.keys) {
    Json one = {{"name", key.name},
                {"requests_used", key.requests_utilisation},
                {"tokens_used", key.tokens_utilisation},
                {"paused_s", std::chrono::duration<double>(key.paused_for).count()},
                {"refused", key.refused}};
    if (key.requests_per_minute) one["requests_per_minute"] = *key.requests_per_minute;
    if (key.tokens_per_minute) one["tokens_per_minute"] = *key.tokens_per_minute;
    keys.push_back(one);
  }
  Json quota = {{"bound_by", name_of(state.binding)},
                {"endpoint_down", state.endpoint_down},
                {"requests_in_flight", state.requests_in_flight},
                {"requests", state.totals.requests},
                {"tokens", state.totals.tokens_used},
                {"rate_limited", state.totals.rate_limited},
                {"failures", state.totals.failures},
                {"keys", keys}};
  if (const std::optional<double> used = quota_used(state)) quota["used"] = *used;
  if (!state.shared_budget_failure.empty())
    quota["shared_budget_failure"] = state.shared_budget_failure;
  return quota;
}

}  // namespace penstock
