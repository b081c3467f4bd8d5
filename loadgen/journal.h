// The arrivals of a run as they come about. Whoever sees something of a document writes it here;
// whoever waits for something, waits here.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/core/clock.h"
#include "loadgen/run_record.h"

namespace penstock {

// Any thread.
class Journal {
 public:
  struct Counts {
    std::uint64_t due = 0;
    std::uint64_t accepted = 0;
    std::uint64_t ended = 0;    // of the accepted
    std::uint64_t missing = 0;  // refused, broken or dropped

    std::uint64_t unanswered() const { return due - accepted - missing; }
    // Neither missing nor ended: from the moment on at which it was due, issued or not, so that who
    // sends and who waits for the end need not wait for the sending first.
    std::uint64_t in_flight() const { return due - missing - ended; }
  };

  explicit Journal(TimePoint begin) : begin_(begin) {}

  Offset now() const { return std::chrono::steady_clock::now() - begin_; }
  TimePoint begin() const { return begin_; }

  // Returns its number, which is the next.
  std::uint64_t due(Arrival arrival);
  void issued(std::uint64_t number);
  void accepted(std::uint64_t number, int status, std::string id);
  void refused(std::uint64_t number, int status, std::string why);
  void broken(std::uint64_t number, std::string why);
  void dropped(std::uint64_t number, std::string why);
  // The document has its outcome. An id may be heard of here before the answer that names it.
  void ended(const std::string& id);

  Counts counts() const;
  std::vector<std::string> unended() const;  // ids

  // Until `reached`, `until`, or stop(); whether it is reached. `reached` is asked after each
  // change.
  bool wait(TimePoint until, const std::function<bool(const Counts&)>& reached);
  // Until then, or stop(); whatever happens to documents meanwhile wakes nobody.
  void sleep_until(TimePoint until);
  // Nothing waits any more.
  void stop();
  bool is_stopped() const;

  // Leaves nothing here.
  std::vector<Arrival> take();

 private:
  // Of an issued one, with the moment of its answer.
  Arrival& answered(std::uint64_t number, int status);

  const TimePoint begin_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable stop_;
  // Guarded by mutex_.
  std::vector<Arrival> arrivals_;
  std::unordered_map<std::string, bool> has_ended_;  // of the accepted, by id
  std::unordered_set<std::string> ended_early_;      // ids that no answer has named
  Counts counts_;
  bool stopped_ = false;
};

}  // namespace penstock
