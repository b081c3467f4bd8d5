#include "engine/stages/throttle/meter.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace penstock {
namespace {

// What a refusal takes from the part of the refill that we count on, and what any other answer
// gives back: refusals stay below one in fifty, and a change of the others' use is followed within
// some hundred answers.
constexpr double refill_after_refusal = 0.7;
constexpr double refill_regained = 0.004;
constexpr double refill_least = 0.02;

}  // namespace

void Meter::set_limit(std::optional<std::uint64_t> ceiling, double part) {
  ceiling_ = ceiling;
  in_force_ = ceiling;
  if (ceiling) {
    const double reduced = std::floor(static_cast<double>(*ceiling) * part);
    in_force_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(reduced));
  }
}

TimePoint Meter::next(std::uint64_t amount, Share share, TimePoint now) {
  assert(fits(amount));
  expire(now);
  if (!in_force_) return now;
  const std::uint64_t limit = *in_force_;
  TimePoint at = now;

  if (share == Share::but_reserved && credit_zero_at_) at = std::max(at, *credit_zero_at_);

  // What is larger than the part it may use (the ceiling allows it) goes when nothing else is
  // there.
  const std::uint64_t room = share == Share::all ? limit : limit - reserved();
  std::uint64_t used = used_;
  for (const Sent& sent : log_) {
    if (used == 0 || used + amount <= room) break;
    used -= sent.amount;
    at = std::max(at, sent.at + window_held);
  }

  if (provider_view_) {
    const std::uint64_t wanted = amount + added_ - provider_view_->added_before;
    if (wanted > provider_view_->left) {
      const double rate = static_cast<double>(limit) * refill_for_us_;
      at = std::max(at, provider_view_->at + refill_time(wanted - provider_view_->left, rate));
    }
  }
  return at;
}

Meter::Entry Meter::add(std::uint64_t amount, TimePoint now) {
  expire(now);
  used_ += amount;
  added_ += amount;
  log_.push_back({now, amount, used_, added_});
  if (!first_at_) first_at_ = now;
  if (in_force_) {
    // The first request finds no credit, or a start would send faster than what follows.
    const TimePoint zero_at = std::max(credit_zero_at_.value_or(now), now - burst_max);
    credit_zero_at_ = zero_at + refill_time(amount, paced_limit());
  }
  return first_in_log_ + log_.size() - 1;
}

void Meter::left_at(Entry entry, TimePoint at) {
  if (find(entry) == nullptr) return;
  Sent& sent = log_[entry - first_in_log_];
  sent.at = std::max(sent.at, at);
}

void Meter::reconcile(Entry entry, std::uint64_t amount) {
  const Sent* found = find(entry);
  if (found == nullptr || found->amount == amount) return;
  Sent& sent = log_[entry - first_in_log_];
  if (in_force_ && credit_zero_at_) {
    const double rate = paced_limit();
    *credit_zero_at_ += refill_time(amount, rate) - refill_time(sent.amount, rate);
  }
  used_ = used_ - sent.amount + amount;
  sent.amount = amount;
}

void Meter::provider_has_left(Entry entry, std::uint64_t left, bool refused, TimePoint now) {
  if (!in_force_ || (provider_view_ && provider_view_->entry > entry)) return;
  const Sent* sent = find(entry);
  if (sent == nullptr) return;
  // The provider may have counted, before this entry, others that were sent after it.
  const std::uint64_t added_since = added_ - sent->added_after;
  const std::uint64_t left_by_log =
      *in_force_ > sent->used_after ? *in_force_ - sent->used_after : 0;
  const bool was_shared = provider_view_.has_value();
  provider_view_.reset();
  refill_for_us_ = refused && was_shared
                       ? std::max(refill_least, refill_for_us_ * refill_after_refusal)
                       : std::min(1.0, refill_for_us_ + refill_regained);
  if (left + added_since < left_by_log) {
    provider_view_ = ProviderView{entry, now, left, sent->added_after};
  }
}

std::uint64_t Meter::used(TimePoint now) {
  expire(now);
  return used_;
}

double Meter::utilisation(TimePoint now) {
  if (!in_force_ || !first_at_) return 0;
  const Duration measured =
      std::clamp<Duration>(now - *first_at_, std::chrono::seconds(1), window_held);
  const double part = std::chrono::duration<double>(measured) / limit_window;
  return std::min(1.0, static_cast<double>(used(now)) /
                           (static_cast<double>(*in_force_) * std::min(1.0, part)));
}

void Meter::expire(TimePoint now) {
  while (!log_.empty() && log_.front().at + window_held <= now) {
    used_ -= log_.front().amount;
    log_.pop_front();
    ++first_in_log_;
  }
}

const Meter::Sent* Meter::find(Entry entry) const {
  if (entry < first_in_log_ || entry - first_in_log_ >= log_.size()) return nullptr;
  return &log_[entry - first_in_log_];
}

std::uint64_t Meter::reserved() const {
  const auto part = static_cast<std::uint64_t>(static_cast<double>(*in_force_) * reserve_);
  return std::min(part, *in_force_ - 1);
}

double Meter::paced_limit() const {
  return static_cast<double>(*in_force_ - reserved());
}

Duration Meter::refill_time(std::uint64_t amount, double limit) {
  const double ns = static_cast<double>(amount) / limit * static_cast<double>(window_held.count());
  return Duration(static_cast<Duration::rep>(std::ceil(ns)));
}

}  // namespace penstock
