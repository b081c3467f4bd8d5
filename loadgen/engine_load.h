// Documents given to an engine in this process: no HTTP, no queue's server, no file. Each is
// accepted at once, and waits in a feed until the engine takes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "loadgen/backends.h"
#include "loadgen/destination.h"
#include "loadgen/feed.h"
#include "loadgen/heartbeat.h"
#include "loadgen/journal.h"

namespace penstock {

class EngineLoad final : public Destination {
 public:
  // The engine begins to work, and tells the journal of ends. An engine that gives up stops the
  // journal, and the feed says why. All outlive it.
  EngineLoad(LocalEngine& engine, Feed& feed, Journal& journal);
  ~EngineLoad() override;

  void send(Shipment shipment) override;
  State state() override;
  // What is in work ends, unless it waits for an embedding.
  void stop() override;

 private:
  class FedLane;
  void work();

  LocalEngine& engine_;
  Feed& feed_;
  Journal& journal_;
  std::atomic<std::uint64_t> sent_bytes_{0};
  std::atomic<bool> is_stopped_{false};
  Heartbeat heartbeat_;
  std::thread thread_;
};

}  // namespace penstock
