// An engine in this process: what the pipeline itself can do.
//
// Generator and system are one process. Told apart are the CPU of the thread that makes documents
// and sends them, and all other CPU, which is the system's. Memory and descriptors are of both.
#pragma once

#include <ctime>
#include <memory>
#include <string>

#include "loadgen/backends.h"
#include "loadgen/feed.h"
#include "loadgen/premises.h"
#include "loadgen/profile.h"
#include "loadgen/system_under_test.h"

namespace penstock {

class EngineUnderTest final : public SystemUnderTest {
 public:
  // On the thread that is going to send. All outlive it.
  EngineUnderTest(const Profile& profile, const Backends& backends, const Premises& premises);

  const SystemFacts& facts() const override { return facts_; }
  std::unique_ptr<Observer> observe(Journal& journal, const std::string& name_prefix) override;
  std::unique_ptr<Destination> destination(Journal& journal) override;
  std::optional<ProcessUsage> usage() const override;
  GeneratorUsage generator_usage() const override;
  Soundness stop() override;

 private:
  const Premises& premises_;
  const StorePlace store_;
  const clockid_t sender_clock_;
  SystemFacts facts_;
  std::string name_prefix_;  // of documents, once somebody watches
  Feed feed_;
  std::unique_ptr<LocalEngine> engine_;
  std::unique_ptr<Records> records_;
};

}  // namespace penstock
