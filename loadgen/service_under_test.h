// A service that is there already, or one that is started in a run's folder, and is ended again.
#pragma once

#include <optional>
#include <string>

#include "engine/core/secret.h"
#include "loadgen/child.h"
#include "loadgen/premises.h"
#include "loadgen/profile.h"
#include "loadgen/service_client.h"
#include "loadgen/system_under_test.h"

namespace penstock {

class ServiceUnderTest final : public SystemUnderTest {
 public:
  // `premises`: where it is started; absent: it has a URL. They outlive it.
  ServiceUnderTest(const Profile& profile, const Secret& api_key, const Premises* premises);

  const SystemFacts& facts() const override { return facts_; }
  std::unique_ptr<Observer> observe(Journal& journal, const std::string& name_prefix) override;
  std::unique_ptr<Destination> destination(Journal& journal) override;
  std::optional<ProcessUsage> usage() const override;
  bool has_ended() override { return process_ && process_->end(); }
  Soundness stop() override;

 private:
  // Returns its URL.
  std::string start(const SystemPlan& plan);

  const Premises* const premises_;
  const Secret api_key_;
  const std::uint32_t connections_max_;
  const bool connections_wait_;
  const StorePlace store_;  // of one that is ours
  SystemFacts facts_;
  std::optional<Child> process_;  // absent: it is not ours
  const std::string url_;
  ServiceClient client_;
};

}  // namespace penstock
