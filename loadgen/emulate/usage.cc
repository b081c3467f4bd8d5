#include "loadgen/emulate/usage.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace penstock {
namespace {

using Json = nlohmann::ordered_json;
using Minutes = std::chrono::duration<double, std::ratio<60>>;

Json rounded(std::optional<double> fraction) {
  return fraction ? Json(std::round(*fraction * 1e4) / 1e4) : Json();
}

Json to_json(const Usage& usage) {
  Json faults = Json::object();
  for (std::size_t i = 0; i < fault_names.size(); ++i)
    faults[std::string(fault_names[i])] = usage.answers.faults[i];
  return {{"seconds", std::chrono::duration<double>(usage.span).count()},
          {"requests", usage.quota.requests},
          {"tokens", usage.quota.tokens},
          {"inputs", usage.answers.inputs},
          {"answered", usage.answers.answered},
          {"answered_inputs", usage.answers.answered_inputs},
          {"answered_tokens", usage.answers.answered_tokens},
          {"permitted_requests", std::llround(usage.requests_permitted())},
          {"permitted_tokens", std::llround(usage.tokens_permitted())},
          {"utilisation", rounded(usage.utilisation())},
          {"steady_utilisation", rounded(usage.steady_utilisation())},
          {"violations", usage.quota.violations},
          {"max_overshoot_requests", usage.quota.overshoot_requests_max},
          {"max_overshoot_tokens", usage.quota.overshoot_tokens_max},
          {"refused", usage.answers.refused},
          {"poisoned", usage.answers.poisoned},
          {"outage", usage.answers.outage},
          {"faults", faults}};
}

std::string line_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

double Usage::requests_permitted() const {
  return Minutes(span).count() * static_cast<double>(limits.requests_per_minute);
}

double Usage::tokens_permitted() const {
  return Minutes(span).count() * static_cast<double>(limits.tokens_per_minute);
}

std::optional<double> Usage::utilisation() const {
  if (span <= Duration{}) return std::nullopt;
  return static_cast<double>(quota.tokens) / tokens_permitted();
}

std::optional<double> Usage::steady_utilisation() const {
  const double minutes = Minutes(span).count() - 1;
  if (minutes <= 0) return std::nullopt;
  return static_cast<double>(quota.steady_tokens) /
         (minutes * static_cast<double>(limits.tokens_per_minute));
}

Usage total_of(const std::vector<std::pair<std::string, Usage>>& keys) {
  Usage total;
  total.limits = {0, 0};
  for (const auto& [name, usage] : keys) {
    total.limits.requests_per_minute += usage.limits.requests_per_minute;
    total.limits.tokens_per_minute += usage.limits.tokens_per_minute;
    total.span = usage.span;
    QuotaUse& quota = total.quota;
    quota.asked += usage.quota.asked;
    quota.requests += usage.quota.requests;
    quota.tokens += usage.quota.tokens;
    quota.violations += usage.quota.violations;
    quota.steady_tokens += usage.quota.steady_tokens;
    quota.overshoot_requests_max =
        std::max(quota.overshoot_requests_max, usage.quota.overshoot_requests_max);
    quota.overshoot_tokens_max =
        std::max(quota.overshoot_tokens_max, usage.quota.overshoot_tokens_max);
    AnswerCounts& answers = total.answers;
    answers.inputs += usage.answers.inputs;
    answers.answered += usage.answers.answered;
    answers.answered_inputs += usage.answers.answered_inputs;
    answers.answered_tokens += usage.answers.answered_tokens;
    answers.refused += usage.answers.refused;
    answers.poisoned += usage.answers.poisoned;
    answers.outage += usage.answers.outage;
    for (std::size_t i = 0; i < answers.faults.size(); ++i)
      answers.faults[i] += usage.answers.faults[i];
  }
  return total;
}

std::string usage_json(const std::vector<std::pair<std::string, Usage>>& keys) {
  Json object = to_json(total_of(keys));
  Json& by_key = object["keys"] = Json::object();
  for (const auto& [name, usage] : keys) by_key[name] = to_json(usage);
  return line_of(object);
}

std::string history_json(
    const std::vector<std::pair<std::string, const std::deque<QuotaSecond>*>>& keys) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = -1;
  for (const auto& [name, seconds] : keys) {
    if (seconds->empty()) continue;
    first = std::min(first, seconds->front().second);
    last = std::max(last, seconds->back().second);
  }
  if (last < 0) first = 0;
  Json by_key = Json::object();
  for (const auto& [name, seconds] : keys) {
    std::vector<std::uint64_t> requests(static_cast<std::size_t>(last + 1 - first));
    std::vector<std::uint64_t> tokens(requests.size());
    for (const QuotaSecond& entry : *seconds) {
      requests[static_cast<std::size_t>(entry.second - first)] = entry.requests;
      tokens[static_cast<std::size_t>(entry.second - first)] = entry.tokens;
    }
    by_key[name] = {{"requests", requests}, {"tokens", tokens}};
  }
  return line_of({{"first_second", first}, {"keys", by_key}});
}

}  // namespace penstock
