#include "engine/stages/throttle/key_budget.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <limits>
#include <utility>

namespace penstock {
namespace {

constexpr Duration backoff_first = std::chrono::milliseconds(500);
constexpr Duration backoff_longest = std::chrono::seconds(60);
constexpr double full_jitter = 1;

// A key of which no limit is known starts with so many requests at once, one more for every good
// answer since the last refusal: a service without limits is soon used whole, and one that has some
// is met carefully.
constexpr std::size_t in_flight_of_unknown = 4;

// One refusal without a reason is an accident; three in twenty answers mean that the limit is lower
// than configured. It is then tried a tenth lower, and comes back by a hundredth a minute.
constexpr int refusals_to_reduce = 3;
constexpr std::uint32_t answers_remembered = (1U << 20) - 1;
constexpr double reduction = 0.9;
constexpr double recovery_a_minute = 0.01;
constexpr double part_least = 0.05;

// What a provider may ask for without our time line overflowing.
constexpr Duration pause_longest = std::chrono::hours(24 * 365);

std::optional<std::uint64_t> lower(std::uint64_t configured, std::optional<std::uint64_t> said) {
  if (configured == 0) return said;
  return said ? std::min(configured, *said) : configured;
}

}  // namespace

KeyBudget::KeyBudget(KeyQuota configured, double interactive_share, std::uint64_t seed,
                     LimitsKept limits_kept)
    : configured_(std::move(configured)),
      limits_kept_(limits_kept),
      requests_(interactive_share),
      tokens_(interactive_share),
      backoff_(backoff_first, backoff_longest, full_jitter, seed) {
  apply_limits();
}

Turn KeyBudget::next(std::uint64_t tokens, Meter::Share share, TimePoint now) {
  recover(now);
  if (in_flight_ >= in_flight_max()) return {TimePoint::max(), Binding::requests_in_flight};
  Turn turn{now, Binding::nothing};
  const auto wait_for = [&turn](TimePoint at, Binding what) {
    if (at > turn.at) turn = {at, what};
  };
  if (limits_kept_ == LimitsKept::here) {
    wait_for(tokens_.next(tokens, share, now), Binding::tokens);
    wait_for(requests_.next(1, share, now), Binding::requests);
  }
  if (paused_until_) wait_for(*paused_until_, Binding::retry_after);
  return turn;
}

Meter::Entry KeyBudget::add(std::uint64_t tokens, TimePoint now) {
  ++in_flight_;
  tokens_.add(tokens, now);
  return requests_.add(1, now);  // the same in both meters: they count alike
}

void KeyBudget::settle(Meter::Entry entry, TimePoint sent_at, const Receipt& receipt,
                       TimePoint now) {
  --in_flight_;
  if (receipt.sent_at) {
    requests_.left_at(entry, *receipt.sent_at);
    tokens_.left_at(entry, *receipt.sent_at);
  }
  if (receipt.tokens) tokens_.reconcile(entry, *receipt.tokens);
  learn_limits(receipt.limits);
  const bool refused = receipt.answer == Answer::rate_limited;
  // What is left after a fleet's use says nothing to a meter that knows one process's.
  if (limits_kept_ == LimitsKept::here) {
    if (receipt.limits.requests_left) {
      requests_.provider_has_left(entry, *receipt.limits.requests_left, refused, now);
    }
    if (receipt.limits.tokens_left) {
      tokens_.provider_has_left(entry, *receipt.limits.tokens_left, refused, now);
    }
  }
  if (receipt.limits.retry_after) {
    pause_until(now + std::min(*receipt.limits.retry_after, pause_longest));
  }
  if (receipt.answer == Answer::key_refused) refused_ = true;
  if (refused) {
    rate_limited(sent_at, receipt.limits, now);
    return;
  }
  count_answer(false, now);
  if (receipt.answer == Answer::embedded) {
    ++answers_since_refusal_;
    if (!backoff_since_ || sent_at > *backoff_since_) backoff_.reset();
  }
}

void KeyBudget::rate_limited(TimePoint sent_at, const ProviderLimits& limits, TimePoint now) {
  answers_since_refusal_ = 0;
  const bool known_event = backoff_since_ && sent_at <= *backoff_since_;
  if (!limits.retry_after && !known_event) {
    pause_until(now + backoff_.next());
    backoff_since_ = now;
  }
  const bool explained = limits.retry_after || limits.requests_left || limits.tokens_left;
  if (sent_at >= part_changed_at_) count_answer(!explained, now);
}

void KeyBudget::pause_until(TimePoint until) {
  if (paused_until_ && *paused_until_ >= until) return;
  paused_until_ = until;
  pause_is_news_ = true;
}

void KeyBudget::count_answer(bool unexplained_refusal, TimePoint now) {
  recent_refusals_ =
      ((recent_refusals_ << 1) | (unexplained_refusal ? 1U : 0U)) & answers_remembered;
  if (std::popcount(recent_refusals_) < refusals_to_reduce) return;
  recent_refusals_ = 0;
  part_ = std::max(part_least, part_ * reduction);
  part_changed_at_ = now;
  apply_limits();
}

void KeyBudget::recover(TimePoint now) {
  if (part_ >= 1) return;
  const auto minutes = std::chrono::floor<std::chrono::minutes>(now - part_changed_at_);
  if (minutes.count() < 1) return;
  part_ = std::min(1.0, part_ + recovery_a_minute * static_cast<double>(minutes.count()));
  part_changed_at_ += minutes;
  apply_limits();
}

void KeyBudget::learn_limits(const ProviderLimits& limits) {
  // A limit of 0 is how some services say that they have none.
  const auto differs = [](std::optional<std::uint64_t> said, std::optional<std::uint64_t> known) {
    return said && *said != 0 && said != known;
  };
  const bool requests = differs(limits.requests_per_minute, provider_.requests_per_minute);
  const bool tokens = differs(limits.tokens_per_minute, provider_.tokens_per_minute);
  if (requests) provider_.requests_per_minute = limits.requests_per_minute;
  if (tokens) provider_.tokens_per_minute = limits.tokens_per_minute;
  if (requests || tokens) apply_limits();
}

void KeyBudget::apply_limits() {
  requests_.set_limit(lower(configured_.requests_per_minute, provider_.requests_per_minute), part_);
  tokens_.set_limit(lower(configured_.tokens_per_minute, provider_.tokens_per_minute), part_);
}

std::size_t KeyBudget::in_flight_max() const {
  if (requests_.limit() || tokens_.limit()) return std::numeric_limits<std::size_t>::max();
  return in_flight_of_unknown + answers_since_refusal_;
}

std::optional<KeyReport> KeyBudget::report(std::size_t key, TimePoint now) {
  KeyReport report;
  report.key = key;
  if (std::exchange(pause_is_news_, false)) {
    report.pause = std::max(Duration{0}, *paused_until_ - now);
  }
  // Told with every call: a budget may forget it, and another process's provider may say otherwise.
  report.requests_per_minute = provider_.requests_per_minute.value_or(0);
  report.tokens_per_minute = provider_.tokens_per_minute.value_or(0);
  if (report.pause == Duration{0} && report.requests_per_minute + report.tokens_per_minute == 0) {
    return std::nullopt;
  }
  return report;
}

double KeyBudget::load(TimePoint now) {
  if (!requests_.limit() && !tokens_.limit()) {
    return static_cast<double>(in_flight_) / static_cast<double>(in_flight_max());
  }
  const auto part = [now](Meter& meter) {
    if (!meter.limit()) return 0.0;
    return static_cast<double>(meter.used(now)) / static_cast<double>(*meter.limit());
  };
  return std::max(part(requests_), part(tokens_));
}

KeyState KeyBudget::state(TimePoint now) {
  recover(now);
  KeyState state;
  state.name = name();
  state.requests_per_minute = requests_.limit();
  state.tokens_per_minute = tokens_.limit();
  state.requests_utilisation = requests_.utilisation(now);
  state.tokens_utilisation = tokens_.utilisation(now);
  if (fleet_use_) {
    const auto part = [](std::uint64_t used, std::uint64_t limit) {
      return std::min(1.0, static_cast<double>(used) / static_cast<double>(limit));
    };
    state.requests_per_minute = fleet_use_->requests_per_minute;
    state.tokens_per_minute = fleet_use_->tokens_per_minute;
    state.requests_utilisation = part(fleet_use_->requests, fleet_use_->requests_per_minute);
    state.tokens_utilisation = part(fleet_use_->tokens, fleet_use_->tokens_per_minute);
  }
  if (paused_until_) state.paused_for = std::max(Duration{0}, *paused_until_ - now);
  state.refused = refused_;
  return state;
}

}  // namespace penstock
