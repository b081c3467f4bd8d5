#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fleet.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/sources.h"
#include "reports/format.h"

namespace penstock {
namespace {

// One call of the broker: large enough that its round trip does not matter.
constexpr std::size_t batch_documents = 500;
// Between two looks at a lane that is full.
constexpr std::chrono::milliseconds full_pause{500};

struct Counts {
  std::map<Enqueued, std::uint64_t> documents;

  std::uint64_t of(Enqueued what) const {
    const auto found = documents.find(what);
    return found == documents.end() ? 0 : found->second;
  }
  std::uint64_t seen() const {
    std::uint64_t sum = 0;
    for (const auto& [what, count] : documents) sum += count;
    return sum;
  }
};

// Pauses that an interrupt ends.
class Pauses {
 public:
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
  }
  void pause(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, length, [this] { return ended_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;  // guarded by mutex_
};

// Enqueues the batch; what the lane has no room for is offered again until it has, or until an
// interrupt.
void enqueue(Broker& broker, std::vector<Claim> batch, Lane lane, const Interrupt& interrupt,
             Pauses& pauses, Counts& counts) {
  while (!batch.empty() && !interrupt.happened()) {
    const auto enqueued = broker.enqueue(batch, lane);
    if (!enqueued) throw FatalError(enqueued.error().message + "; run the same command again");
    std::vector<Claim> left;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if ((*enqueued)[i] == Enqueued::full) {
        left.push_back(std::move(batch[i]));
      } else {
        ++counts.documents[(*enqueued)[i]];
      }
    }
    batch = std::move(left);
    if (!batch.empty()) pauses.pause(full_pause);
  }
}

void print(const Counts& counts, std::chrono::duration<double> took, bool json) {
  const std::uint64_t queued = counts.of(Enqueued::queued);
  const std::uint64_t newer = counts.of(Enqueued::follows) + counts.of(Enqueued::replaced);
  if (json) {
    print_json_line({{"event", "summary"},
                     {"seen", counts.seen()},
                     {"queued", queued},
                     {"newer", newer},
                     {"known", counts.of(Enqueued::known)},
                     {"dead", counts.of(Enqueued::dead)},
                     {"seconds", took.count()}});
    return;
  }
  fmt::print("Enqueued {} in {}\n", counted(queued + newer, "document"), human_time(took));
  if (newer > 0)
    fmt::print("  {:>9}  of them newer contents of documents that are queued\n",
               with_commas(newer));
  if (const std::uint64_t known = counts.of(Enqueued::known); known > 0)
    fmt::print("  {:>9}  more are queued already, or in work\n", with_commas(known));
  if (const std::uint64_t dead = counts.of(Enqueued::dead); dead > 0)
    fmt::print(
        "  {:>9}  more are dead letters; penstock retry --failed --queue ... queues them again\n",
        with_commas(dead));
}

}  // namespace

int run_enqueue(const EnqueueOptions& options) {
  Interrupt interrupt;
  const TimePoint started = std::chrono::steady_clock::now();
  BrokerOptions broker_options;
  broker_options.documents_max = options.documents_max;
  const std::unique_ptr<Broker> broker = open_broker(options.fleet, broker_options);
  Sources sources(options.sources, options.objects, {});
  Pauses pauses;
  interrupt.on_first([&] {
    sources.close();
    pauses.end();
  });

  const Lane lane = options.lane == name_of(Lane::bulk) ? Lane::bulk : Lane::interactive;
  Counts counts;
  std::vector<Claim> batch;
  while (std::optional<Claim> claim = sources.claim()) {
    batch.push_back(std::move(*claim));
    if (batch.size() < batch_documents) continue;
    enqueue(*broker, std::move(batch), lane, interrupt, pauses, counts);
    batch.clear();
  }
  enqueue(*broker, std::move(batch), lane, interrupt, pauses, counts);
  interrupt.on_first({});
  print(counts, std::chrono::steady_clock::now() - started, options.json);
  return interrupt.happened() ? exit_interrupted : exit_done;
}

}  // namespace penstock
