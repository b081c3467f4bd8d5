#include "loadgen/system_under_test.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <system_error>
#include <utility>

#include "engine/core/error.h"
#include "loadgen/provider_client.h"
#include "loadgen/provider_use.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds patience{30};     // until a process serves
constexpr std::chrono::seconds grace{30};        // until it has ended
constexpr std::uint32_t serve_concurrency = 50;  // of `penstock serve`, a worker
constexpr int service_niceness = 5;

std::string url_in(const std::string& line) {
  const Json said = Json::parse(line, nullptr, false);
  if (!said.is_object() || !said.contains("url")) throw FatalError("it does not serve: " + line);
  std::string url = said["url"].get<std::string>();
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// The value of --concurrency, or of its other name.
std::uint32_t concurrency_in(const std::vector<std::string>& arguments) {
  std::uint32_t concurrency = serve_concurrency;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    for (const std::string_view name : {"--concurrency", "--documents-in-flight"}) {
      std::string_view value;
      if (arguments[i] == name && i + 1 < arguments.size()) value = arguments[i + 1];
      if (arguments[i].starts_with(std::string(name) + "="))
        value = std::string_view(arguments[i]).substr(name.size() + 1);
      std::from_chars(value.data(), value.data() + value.size(), concurrency);
    }
  }
  return concurrency;
}

// As fsck says it: a version that nobody asks for any more, or more of one than there is.
bool is_too_much(const std::string& finding) {
  unsigned long long expected = 0;
  unsigned long long stored = 0;
  return finding.ends_with("not current") ||
         (std::sscanf(finding.c_str(), "%llu chunks expected; stored are %llu chunks", &expected,
                      &stored) == 2 &&
          stored > expected);
}

}  // namespace

SystemUnderTest::SystemUnderTest(const Profile& profile, const std::string& program, bool keep)
    : program_(program) {
  if (!profile.system.url.empty()) {
    url_ = profile.system.url;
    while (url_.ends_with('/')) url_.pop_back();
    description_ = url_;
    return;
  }
  folder_.emplace("penstock-capacity-", keep);
  if (profile.provider) start_provider(*profile.provider, profile.seed);
  start_service(profile);
  if (keep) description_ += ", kept in " + folder_->path();
}

void SystemUnderTest::start_provider(const ProviderPlan& plan, std::uint64_t seed) {
  std::vector<std::string> command = {program_,   "emulate",     "openai", "--json",
                                      "--listen", "127.0.0.1:0", "--seed", std::to_string(seed)};
  if (!plan.latency.empty()) command.insert(command.end(), {"--latency", plan.latency});
  if (plan.faults > 0) command.insert(command.end(), {"--faults", fmt::format("{}", plan.faults)});
  for (std::uint32_t key = 1; key <= plan.keys; ++key)
    command.insert(command.end(),
                   {"--key", fmt::format("{}:{}:{}", provider_key_name(key),
                                         plan.requests_per_minute, plan.tokens_per_minute)});
  provider_ =
      std::make_unique<Child>(command, std::vector<std::string>{}, folder_->file("provider.log"));
  provider_url_ = url_in(provider_->first_line(patience));
  if (provider_url_.ends_with("/v1")) provider_url_.resize(provider_url_.size() - 3);
}

void SystemUnderTest::start_service(const Profile& profile) {
  const SystemPlan& plan = profile.system;
  std::vector<std::string> command = {program_,
                                      "serve",
                                      "--json",
                                      "--listen",
                                      "127.0.0.1:0",
                                      "--store",
                                      folder_->file("penstock.db"),
                                      "--workers",
                                      std::to_string(plan.workers)};
  std::vector<std::string> environment;
  description_ =
      fmt::format("penstock serve, {} worker{}", plan.workers, plan.workers == 1 ? "" : "s");
  if (profile.provider) {
    const ProviderClient client = client_of(*profile.provider, provider_url_ + "/v1");
    command.insert(command.end(), client.arguments.begin(), client.arguments.end());
    environment = client.environment;
    description_ += fmt::format(", emulated provider with {} key{}", profile.provider->keys,
                                profile.provider->keys == 1 ? "" : "s");
  }
  command.insert(command.end(), plan.arguments.begin(), plan.arguments.end());
  documents_in_flight_max_ = concurrency_in(plan.arguments) * std::max(plan.workers, 1u);
  service_ = std::make_unique<Child>(command, environment, folder_->file("service.log"));
  // Where both share a machine the generator goes first. It needs little, and what it is late by
  // would be taken for the service's.
  setpriority(PRIO_PROCESS, static_cast<id_t>(service_->pid()), service_niceness);
  url_ = url_in(service_->first_line(patience));
}

std::optional<ProcessUsage> SystemUnderTest::usage() const {
  if (!service_) return std::nullopt;
  return tree_usage(service_->pid());
}

SystemUnderTest::Soundness SystemUnderTest::stop() {
  Soundness soundness;
  if (!service_) return soundness;
  service_->stop(grace);
  if (provider_) provider_->stop(grace);
  Child fsck({program_, "fsck", "--json", "--store", folder_->file("penstock.db")}, {},
             folder_->file("fsck.log"));
  fsck.wait();
  std::istringstream lines(fsck.output());
  bool has_summary = false;
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    has_summary = has_summary || event.value("event", "") == "fsck";
    if (event.value("event", "") != "finding") continue;
    const std::string what = event.value("what", "");
    soundness.findings.push_back(event.value("key", "") + ": " + what);
    if (is_too_much(what)) ++soundness.stored_twice;
  }
  if (!has_summary) soundness.findings.push_back("fsck did not end: " + fsck.output());
  return soundness;
}

}  // namespace penstock
