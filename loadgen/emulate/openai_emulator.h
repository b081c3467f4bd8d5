// An embedding service on this machine that speaks OpenAI's protocol, enforces its quotas strictly,
// takes its time, and fails as services fail. What it does follows from its seed and the order in
// which requests arrive.
//
//   POST .../embeddings   GET .../models
//   GET /stats            what was used: usage.h
//   GET /stats/history    the same a second
//   POST /stats/reset     begins the accounts anew; the buckets stay as they are
//   POST /outage?seconds=N  from now on, for so long, every request for vectors is answered 503
//
// A request asks the quota when it has arrived whole. Whatever becomes of it then, the quota was
// used: its tokens too if it was valid. An unknown key (401), path (404) or method (405) uses none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/clock.h"
#include "loadgen/emulate/fault_plan.h"
#include "loadgen/emulate/latency.h"
#include "loadgen/emulate/quota_enforcer.h"
#include "loadgen/emulate/usage.h"

namespace penstock {

struct EmulatedKey {
  std::string name;  // and the secret that a client sends
  KeyLimits limits;
};

struct OpenAiEmulatorOptions {
  std::string listen = "127.0.0.1:8089";  // port 0: a free one
  // None: whatever a client sends is a key of its own with the limits below, and so is nothing.
  std::vector<EmulatedKey> keys;
  KeyLimits limits;
  // Of answers with vectors and of faults in their place. What is refused is refused at once.
  LatencyRange latency{std::chrono::milliseconds(50), std::chrono::milliseconds(800)};
  double fault_fraction = 0;           // of valid requests within the quota
  std::vector<FaultKind> fault_kinds;  // empty: all
  std::uint64_t seed = 1;
  // Requests with an input that holds this are refused, as one the model does not take: with 400,
  // or answered 500. Empty: none is.
  std::string poison;
  std::string poison_500;
  // What enforces by time asks this; a test moves it by hand.
  std::function<TimePoint()> now = std::chrono::steady_clock::now;
};

class OpenAiEmulator {
 public:
  // Serves from here on, on a thread of its own. Throws FatalError when it cannot listen.
  explicit OpenAiEmulator(OpenAiEmulatorOptions options);
  ~OpenAiEmulator();
  OpenAiEmulator(const OpenAiEmulator&) = delete;
  OpenAiEmulator& operator=(const OpenAiEmulator&) = delete;

  // http://HOST:PORT/v1
  std::string url() const;

  // Serves no more, and says what all keys were used for. Once.
  Usage stop();

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace penstock
