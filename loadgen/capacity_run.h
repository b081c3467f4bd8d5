// One capacity run, from the start of the system to the record of what was seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "engine/core/error.h"
#include "engine/core/secret.h"
#include "loadgen/backends.h"
#include "loadgen/content.h"
#include "loadgen/journal.h"
#include "loadgen/premises.h"
#include "loadgen/profile.h"
#include "loadgen/run_record.h"
#include "loadgen/schedule.h"
#include "loadgen/system_under_test.h"

namespace penstock {

struct RunProgress {
  std::string phase;  // "warm-up", "drain"
  Journal::Counts counts;
  std::chrono::duration<double> elapsed{0};
  std::chrono::duration<double> planned{0};  // without what has to be waited for
};

struct CapacityPlan {
  Profile profile;
  Schedule schedule;
  ContentOf content_of;
  std::string program;  // this one's path, to start the system with
  std::string version;
  std::string command;  // makes this run again
  Secret api_key;       // of a service that is there
  bool keep = false;    // the folder of a system that was started
  Backends backends;
};

class CapacityRun {
 public:
  using Progress = std::function<void(const RunProgress&)>;

  // `progress` is called about twice a second, on a thread of the run.
  CapacityRun(CapacityPlan plan, Progress progress)
      : plan_(std::move(plan)), progress_(std::move(progress)) {}

  // Throws FatalError when the system does not start or cannot be reached. Once.
  RunRecord run();
  // Sends nothing more, and waits for nothing; run() returns with what was seen. Any thread.
  void interrupt();

 private:
  // What is loaded. `premises`: where it is started; null: it is there.
  std::unique_ptr<SystemUnderTest> start(const Premises* premises) const;
  void enter(const std::string& phase);
  void show(const Journal& journal);
  static void note(RunRecord& run, const Result<void>& result);

  CapacityPlan plan_;
  const Progress progress_;
  std::mutex mutex_;
  std::string phase_;           // guarded by mutex_
  Journal* journal_ = nullptr;  // guarded by mutex_; null: nothing runs
  bool interrupted_ = false;    // guarded by mutex_
};

}  // namespace penstock
