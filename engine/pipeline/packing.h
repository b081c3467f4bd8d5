// What `pack` does: chunks of documents become packs, each lane's for itself, and a pack that is
// not full leaves when waiting for more would only cost time.
//
// While other packs of the lane wait for the quota, one more that waits costs nothing, and fills
// up. Otherwise it leaves as soon as no document is on its way here, and after a deadline at the
// latest: nobody else would ever send it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "engine/core/lane.h"
#include "engine/pipeline/job.h"
#include "engine/stages/pack/packer.h"

namespace penstock {

class Packing {
 public:
  using Packs = std::vector<std::unique_ptr<Pack>>;

  Packing(PackLimits limits, Duration wait_max);

  // A document is on its way here, until add(). Any thread.
  void expect(Lane lane) { ++expected_[index_of(lane)]; }
  // A pack waits for the quota, and then no more. Any thread.
  void begin_wait(Lane lane) { ++waiting_[index_of(lane)]; }
  // Whether it was the last of its lane: then flush().
  bool end_wait(Lane lane) { return --waiting_[index_of(lane)] == 0; }

  // The rest is for one thread at a time. `leaving` gets the packs that are to be sent.

  // The document's chunks that need a request. False if no chunk of it is under way, by this or
  // otherwise: then it is the caller's again.
  bool add(Job& job, Packs& leaving);
  // Chunks whose request is to be made again.
  void add(const Pack& returned, Packs& leaving);
  // What is not full and need not wait.
  void flush(Packs& leaving);

 private:
  void add(const PackInput& input, Packs& leaving);
  static void emit(std::optional<Pack> pack, Packs& leaving);

  // By lane.
  std::array<std::atomic<std::size_t>, all_lanes.size()> expected_{};
  std::array<std::atomic<std::size_t>, all_lanes.size()> waiting_{};
  std::array<Packer, all_lanes.size()> packers_;
};

}  // namespace penstock
