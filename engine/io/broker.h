// A fleet's queue: what is to be done outlives the processes that ask for it and those that do it.
// Embedded: SQLite, for several processes of one machine. A fleet's: Redis Streams.
//
// A document is in a broker at most once, by its key. It waits, is leased to a worker, waits for
// another attempt, or is a dead letter; once it is done it is gone, and the ledger knows about it.
// A lease that its worker does not renew, because it died, ends, and the document is handed to
// another worker: at least once, so whoever works for a broker writes idempotently, and the
// ledger's fence (ledger.h) refuses the slower of two.
//
// What counts as an attempt: an outcome that another try may change, and a worker that died. After
// `attempts_max` of them, or one outcome that no try will change, the document is a dead letter,
// with its reason.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/lane.h"
#include "engine/io/work_queue.h"
#include "engine/io/worker_report.h"

namespace penstock {

struct BrokerOptions {
  std::string queue = "default";  // several may share a server
  std::string worker;             // unique among the living; empty: this process only enqueues
  // A document is started again at most this long after its worker died. Shorter finds dead workers
  // sooner, longer forgives a machine that stands still.
  std::chrono::milliseconds lease{30'000};
  std::uint32_t attempts_max = 4;
  // Before attempt n + 1 passes a time between half of and this x 2^(n - 1), and at most the other.
  std::chrono::milliseconds backoff{2'000};
  std::chrono::milliseconds backoff_max{300'000};
  // Documents of a lane that wait or are leased; enqueue() refuses more. Bounds the server's
  // memory, about 1 KB a document.
  std::uint64_t documents_max = 1'000'000;
  // claim() is absent once nothing waits, is leased or is to be tried again in its lane.
  bool until_empty = false;
};

// What became of a document that was enqueued.
enum class Enqueued {
  queued,    // as new, or in place of a dead letter of another content (by its stamp)
  known,     // this content waits or is leased already
  follows,   // another content of it is leased; this one is queued when that has its outcome
  replaced,  // another content of it waited; this one waits in its place
  dead,      // this content is a dead letter; retry() is what brings it back
  full,      // the lane holds documents_max; later
};

struct LaneDepth {
  std::uint64_t waiting = 0;
  std::uint64_t leased = 0;
  std::uint64_t delayed = 0;  // wait for another attempt
  // Of the document that has waited longest since it was enqueued or became due; 0 if none waits.
  std::chrono::milliseconds oldest{0};
};

struct BrokerState {
  LaneDepth interactive;
  LaneDepth bulk;
  std::uint64_t dead = 0;

  LaneDepth& of(Lane lane) { return lane == Lane::bulk ? bulk : interactive; }
  const LaneDepth& of(Lane lane) const { return lane == Lane::bulk ? bulk : interactive; }
};

// What the broker holds of a document.
struct QueuedDocument {
  enum class State { waiting, leased, delayed, dead };

  State state = State::waiting;
  Claim claim;  // as it was enqueued; while it is leased, the content that the worker has
  Lane lane = Lane::bulk;
  std::uint32_t attempts = 0;         // that have ended, or whose worker died
  bool is_followed = false;           // while it is leased: a newer content is queued after it
  Outcome outcome = Outcome::failed;  // of a dead letter, as is the reason
  std::string reason;
};

class Broker {
 public:
  virtual ~Broker() = default;

  // What became of each document, in their order. Those before an error may have been enqueued; to
  // repeat the call is right. Durable once it returns, as far as the server is (docs/backends.md).
  // Any thread.
  virtual Result<std::vector<Enqueued>> enqueue(std::span<const Claim> documents, Lane lane) = 0;

  // This worker's view of a lane; of the broker, and of a broker with a worker's name. What it
  // claims is leased, and the lease is renewed until it is acknowledged or given back, without help
  // of its caller. Claim::again says that an attempt was made before, or that retry() asked for
  // one. A server that cannot be reached is waited for: claim() blocks, and acknowledged documents
  // are kept. The destructor of the broker delivers those, if the server can be reached, and takes
  // back this worker's report.
  virtual WorkQueue& queue(Lane lane) = 0;

  virtual Result<BrokerState> state() = 0;
  // Each of these documents, in their order; absent: it is not in the queue. A lease that has ended
  // is one until another worker takes the document. Any thread.
  virtual Result<std::vector<std::optional<QueuedDocument>>> find(
      std::span<const std::string> keys) = 0;

  // Replaces the worker's last report, which ages with the lease. Any thread.
  virtual Result<void> report(const WorkerReport& report) = 0;
  // Of the workers that are alive, by name.
  virtual Result<std::vector<WorkerReport>> workers() = 0;
  // Why the server cannot be reached by those who claim and deliver; empty while it can. Any
  // thread.
  virtual std::string last_failure() const = 0;

  // Every dead letter until the visitor returns false, in no order. The visitor must not call here.
  virtual Result<void> for_each_dead(const std::function<bool(const QueuedDocument&)>& visit) = 0;
  // Queues these dead letters again, without their attempts; returns how many of them there were.
  virtual Result<std::uint64_t> retry(std::span<const std::string> keys) = 0;
};

// The pause after so many failed attempts (1, 2, ...); `fraction` is random, from 0 to below 1.
inline std::chrono::milliseconds pause_after(std::uint32_t attempts, double fraction,
                                             const BrokerOptions& options) {
  const double doubled = static_cast<double>(std::uint64_t{1} << std::min(attempts - 1, 30u));
  const double whole = std::min(static_cast<double>(options.backoff.count()) * doubled,
                                static_cast<double>(options.backoff_max.count()));
  return std::chrono::milliseconds(static_cast<std::int64_t>(whole * (1 + fraction) / 2));
}

// Why a document is a dead letter whose workers died.
inline std::string reason_of_deaths(std::uint32_t attempts) {
  return "its worker died, at the last of " + std::to_string(attempts) +
         " attempts; it may be what kills them";
}

// Whether another attempt may change this outcome: what went wrong may lie in the machine or the
// network, not in the document.
constexpr bool is_worth_another_attempt(Outcome outcome) {
  return outcome == Outcome::unreadable || outcome == Outcome::crashed ||
         outcome == Outcome::timed_out || outcome == Outcome::out_of_memory;
}

}  // namespace penstock
