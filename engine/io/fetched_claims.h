// Documents that a lane of a broker has leased and that its worker has not taken yet.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "engine/core/clock.h"
#include "engine/io/work_queue.h"

namespace penstock {

// To ask a queue costs something beside the documents, so several are fetched at once. They are
// kept from workers that are idle: so no more than are taken in a moment.
class FetchedClaims {
 public:
  // How many to fetch next: twice as many as the last time if those came a moment ago, or one.
  // This and the next are only for the thread that claims.
  std::size_t next_batch(TimePoint now);
  void have_come(TimePoint now) { came_ = now; }

  // The rest: any thread.
  std::optional<Claim> take();
  // False once it is closed; then the claim is untouched, and to be given back.
  [[nodiscard]] bool add(Claim&& claim);
  // Before those that are there.
  [[nodiscard]] bool add_first(Claim&& claim);
  bool is_closed() const;
  // Blocks for this long, or until close().
  bool is_closed_within(std::chrono::milliseconds pause);
  // Returns those that nobody took.
  std::deque<Claim> close();

 private:
  std::size_t batch_ = 1;
  TimePoint came_;

  mutable std::mutex mutex_;
  std::condition_variable closing_;
  // Guarded by mutex_.
  std::deque<Claim> claims_;
  bool is_closed_ = false;
};

}  // namespace penstock
