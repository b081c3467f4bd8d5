#include "loadgen/engine_load.h"

#include <string>
#include <utility>

namespace penstock {

class EngineLoad::FedLane final : public WorkQueue {
 public:
  FedLane(Feed& feed, Journal& journal, Lane lane) : feed_(feed), journal_(journal), lane_(lane) {}

  std::optional<Claim> claim() override { return feed_.take(lane_); }
  void acknowledge(const Claim& claim, Outcome, const std::string&) override {
    feed_.ended(claim);
    journal_.ended(claim.key);
  }
  void give_back(const Claim& claim) override { feed_.give_back(claim, lane_); }
  void close() override { feed_.close(lane_); }

 private:
  Feed& feed_;
  Journal& journal_;
  const Lane lane_;
};

EngineLoad::EngineLoad(LocalEngine& engine, Feed& feed, Journal& journal)
    : engine_(engine), feed_(feed), journal_(journal), thread_([this] { work(); }) {}

EngineLoad::~EngineLoad() {
  stop();
}

void EngineLoad::work() {
  FedLane interactive(feed_, journal_, Lane::interactive);
  FedLane bulk(feed_, journal_, Lane::bulk);
  const Result<void> ran = engine_.run(interactive, bulk, feed_.contents());
  if (ran || is_stopped_) return;
  feed_.abandon({ran.error().kind, "the engine gave up: " + ran.error().message});
  journal_.stop();
}

void EngineLoad::send(Shipment shipment) {
  sent_bytes_ += shipment.content.bytes;
  journal_.issued(shipment.number);
  // It may end before it is accepted, but is never accepted and nowhere.
  feed_.put(shipment.name, shipment.lane, std::move(shipment.content));
  journal_.accepted(shipment.number, 0, shipment.name);
}

Destination::State EngineLoad::state() {
  const Heartbeat::Lateness lateness = heartbeat_.lateness();
  return {0, sent_bytes_, lateness.most, lateness.sum};
}

void EngineLoad::stop() {
  if (!thread_.joinable()) return;
  is_stopped_ = true;
  for (const Lane lane : all_lanes) feed_.close(lane);
  engine_.hurry();
  thread_.join();
}

}  // namespace penstock
