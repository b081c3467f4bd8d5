#include "loadgen/journal.h"

#include <utility>

namespace penstock {

std::uint64_t Journal::due(Arrival arrival) {
  const std::lock_guard lock(mutex_);
  arrival.number = arrivals_.size();
  arrivals_.push_back(std::move(arrival));
  ++counts_.due;
  return arrivals_.back().number;
}

void Journal::issued(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  arrivals_[number].issued = now();
}

Arrival& Journal::answered(std::uint64_t number, int status) {
  Arrival& arrival = arrivals_[number];
  arrival.answered = now();
  arrival.status = status;
  changed_.notify_all();
  return arrival;
}

void Journal::accepted(std::uint64_t number, int status, std::string id) {
  const std::lock_guard lock(mutex_);
  Arrival& arrival = answered(number, status);
  arrival.accepted = arrival.answered;
  arrival.ending = Ending::in_flight;
  ++counts_.accepted;
  const bool has_ended = ended_early_.erase(id) > 0;
  arrival.id = id;
  // An id that another has, too, is not waited for twice.
  const auto [place, is_first] = has_ended_.try_emplace(std::move(id), has_ended);
  if (has_ended || !is_first) ++counts_.ended;
}

void Journal::refused(std::uint64_t number, int status, std::string why) {
  const std::lock_guard lock(mutex_);
  Arrival& arrival = answered(number, status);
  arrival.ending = Ending::refused;
  arrival.message = std::move(why);
  ++counts_.missing;
}

void Journal::broken(std::uint64_t number, std::string why) {
  const std::lock_guard lock(mutex_);
  Arrival& arrival = answered(number, 0);
  arrival.answered.reset();
  arrival.ending = Ending::broken;
  arrival.message = std::move(why);
  ++counts_.missing;
}

void Journal::dropped(std::uint64_t number, std::string why) {
  const std::lock_guard lock(mutex_);
  Arrival& arrival = arrivals_[number];
  arrival.issued.reset();
  arrival.ending = Ending::dropped;
  arrival.message = std::move(why);
  ++counts_.missing;
  changed_.notify_all();
}

void Journal::ended(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto place = has_ended_.find(id);
  if (place == has_ended_.end()) {
    // Only an answer that is still to come can name it.
    if (counts_.unanswered() > 0) ended_early_.insert(id);
    return;
  }
  if (std::exchange(place->second, true)) return;
  ++counts_.ended;
  changed_.notify_all();
}

Journal::Counts Journal::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::vector<std::string> Journal::unended() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, has_ended] : has_ended_)
    if (!has_ended) ids.push_back(id);
  return ids;
}

bool Journal::wait(TimePoint until, const std::function<bool(const Counts&)>& reached) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [&] { return stopped_ || reached(counts_); });
  return !stopped_ && reached(counts_);
}

void Journal::sleep_until(TimePoint until) {
  std::unique_lock lock(mutex_);
  stop_.wait_until(lock, until, [this] { return stopped_; });
}

void Journal::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  stop_.notify_all();
  changed_.notify_all();
}

bool Journal::is_stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

std::vector<Arrival> Journal::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(arrivals_, {});
}

}  // namespace penstock
