// What a run loads: a service that is there already, or one that it starts in a folder of its own,
// with an emulated provider to embed with, and takes down again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/process_usage.h"
#include "engine/http/json.h"
#include "loadgen/child.h"
#include "loadgen/profile.h"
#include "loadgen/run_folder.h"

namespace penstock {

class SystemUnderTest {
 public:
  // What fsck found of a system that has ended.
  struct Soundness {
    std::uint64_t stored_twice = 0;
    std::vector<std::string> findings;
  };

  // Starts it, unless it has a URL. `program`: this one's path. Throws FatalError when something of
  // it does not start. From the thread that ends last.
  SystemUnderTest(const Profile& profile, const std::string& program, bool keep);
  // Ends it at once. Its folder goes away unless it is to be kept.
  ~SystemUnderTest() = default;
  SystemUnderTest(const SystemUnderTest&) = delete;
  SystemUnderTest& operator=(const SystemUnderTest&) = delete;

  const std::string& url() const { return url_; }
  // For people.
  const std::string& description() const { return description_; }
  // It was started here, and nobody else uses it.
  bool is_ours() const { return folder_.has_value(); }
  // Absent: it is not ours to see.
  std::optional<ProcessUsage> usage() const;
  std::uint32_t documents_in_flight_max() const { return documents_in_flight_max_; }

  // Of the emulated provider. Empty: none, or another one.
  const std::string& provider_url() const { return provider_url_; }

  // Ends it, and compares its ledger with its vectors. A system that is not ours stays as it is.
  Soundness stop();

 private:
  void start_provider(const ProviderPlan& plan, std::uint64_t seed);
  void start_service(const Profile& profile);

  const std::string program_;
  std::optional<RunFolder> folder_;  // absent: the system is not ours
  std::string url_;
  std::string provider_url_;
  std::string description_;
  std::uint32_t documents_in_flight_max_ = 0;
  std::unique_ptr<Child> provider_;
  std::unique_ptr<Child> service_;
};

}  // namespace penstock
