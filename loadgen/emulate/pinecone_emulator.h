// An index of Pinecone on this machine, in memory, with exact search: its limits, its rate limits,
// its way of showing what was written only later, and its faults. What it does follows from its
// seed and the order in which requests arrive.
//
//   POST /vectors/upsert, /query, /vectors/delete (of ids), /describe_index_stats
//   GET /vectors/list, /vectors/fetch
//   GET /stats            what was used: pinecone_usage.h
//
// A write that meets a fault in which its answer is lost (reset, stall, hang, truncated, malformed)
// has happened; one that is answered with an error has not.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/clock.h"
#include "loadgen/emulate/fault_plan.h"
#include "loadgen/emulate/latency.h"
#include "loadgen/emulate/pinecone_limits.h"
#include "loadgen/emulate/pinecone_usage.h"

namespace penstock {

struct PineconeEmulatorOptions {
  std::string listen = "127.0.0.1:8090";  // port 0: a free one
  std::string api_key;                    // the only one that is taken; empty: any but none
  std::size_t dimensions = 1'536;
  LatencyRange latency{std::chrono::milliseconds(20), std::chrono::milliseconds(300)};
  // After how long a write is visible; never before one that was made before it.
  LatencyRange visibility{std::chrono::milliseconds(100), std::chrono::seconds(2)};
  PineconeLimits limits;
  double fault_fraction = 0;           // of valid requests within the limits
  std::vector<FaultKind> fault_kinds;  // of answer_fault_kinds; empty: all of them
  std::uint64_t seed = 1;
  // What depends on time asks this once a request; a test moves it by hand.
  std::function<TimePoint()> now = std::chrono::steady_clock::now;
};

class PineconeEmulator {
 public:
  // Serves from here on, on a thread of its own. Throws FatalError when it cannot listen.
  explicit PineconeEmulator(PineconeEmulatorOptions options);
  ~PineconeEmulator();
  PineconeEmulator(const PineconeEmulator&) = delete;
  PineconeEmulator& operator=(const PineconeEmulator&) = delete;

  // HOST:PORT
  const std::string& address() const;
  // pinecone://HOST:PORT
  std::string url() const { return "pinecone://" + address(); }

  // Serves no more, and says what it was used for. Once.
  PineconeUsage stop();

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace penstock
