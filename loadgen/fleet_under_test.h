// A fleet: its queue, and workers that are started for it or that are there already.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loadgen/backends.h"
#include "loadgen/child.h"
#include "loadgen/premises.h"
#include "loadgen/profile.h"
#include "loadgen/system_under_test.h"

namespace penstock {

class FleetUnderTest final : public SystemUnderTest {
 public:
  // `premises`: where workers are started, and what the profile does not name is; absent: they are
  // there, and it names all. All outlive it.
  FleetUnderTest(const Profile& profile, const Backends& backends, const Premises* premises);

  const SystemFacts& facts() const override { return facts_; }
  std::unique_ptr<Observer> observe(Journal& journal, const std::string& name_prefix) override;
  std::unique_ptr<Destination> destination(Journal& journal) override;
  std::optional<ProcessUsage> usage() const override;
  // All of its workers are gone: of a fleet, others go on.
  bool has_ended() override;
  Soundness stop() override;

 private:
  void start_workers(const SystemPlan& plan);

  const Premises* const premises_;
  const FleetPlace place_;
  const std::string blobs_;
  const std::uint32_t under_way_max_;
  SystemFacts facts_;
  std::string name_prefix_;  // of documents, once somebody watches
  std::unique_ptr<FleetQueue> queue_;
  std::vector<std::unique_ptr<Child>> workers_;  // that are ours
  std::unique_ptr<Records> records_;
};

}  // namespace penstock
