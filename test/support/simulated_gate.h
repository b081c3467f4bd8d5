// Gates of two builds on a machine that nobody owns: each run takes as long as the machine's mood
// of that moment makes it. No clock, one seed: the same record on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/gate/gate_record.h"

namespace penstock {

// Of the time that a run takes, all as parts of it. Most of it is of all figures of a run alike,
// the rest of each by itself.
struct Machine {
  double noise = 0.02;          // standard deviation of a run
  double drift = 0;             // a run is slower than the one before by this
  double outliers = 0;          // so many runs are slower by 50%
  double memory = 0;            // of the noise of a run, that is left in the next (0 to 1)
  double slow_mode = 0;         // the machine is so much slower, in stretches of some ten runs
  double job_every_4_runs = 0;  // two runs of every four are so much slower, by the clock
};

enum class Order {
  coin,   // of each pair by itself
  blocks  // ABBA or BAAB by a coin: of two pairs each order once
};

struct GateShape {
  Machine machine;
  double slowdown = 0;  // of documents/s, CPU and the times
  double more_memory = 0;
  std::uint32_t pairs_max = 40;
  Order order = Order::coin;
  std::uint64_t seed = 1;
};

// Seven figures, of which four are of the whole job's time, and a control. Stops when it is
// decided.
GateRecord simulated_gate(const GateShape& shape);

}  // namespace penstock
