#include "loadgen/service_under_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/core/error.h"
#include "loadgen/http_load.h"
#include "loadgen/service_observer.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds ready_within{30};
constexpr std::chrono::seconds grace{30};        // until a process has ended
constexpr std::uint32_t serve_concurrency = 50;  // of `penstock serve`, a worker

std::string without_end_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// Its arguments may say where else it is.
StorePlace store_of(const SystemPlan& plan, const Premises* premises) {
  if (premises == nullptr) return {};
  StorePlace store = premises->store();
  store.ledger = option_in(plan.arguments, {"--ledger"}).value_or("");
  store.vectors = option_in(plan.arguments, {"--vectors"}).value_or("");
  return store;
}

}  // namespace

ServiceUnderTest::ServiceUnderTest(const Profile& profile, const Secret& api_key,
                                   const Premises* premises)
    : premises_(premises),
      api_key_(api_key),
      connections_max_(profile.connections_max),
      connections_wait_(profile.connections_wait),
      store_(store_of(profile.system, premises)),
      url_(premises_ == nullptr ? without_end_slash(profile.system.url) : start(profile.system)),
      client_(url_, api_key_) {
  facts_.generator_cores = HttpLoad::threads;
  if (premises_ == nullptr) facts_.description = url_;
  if (const auto ready = client_.wait_until_ready(ready_within); !ready)
    throw FatalError(ready.error().message);
}

std::string ServiceUnderTest::start(const SystemPlan& plan) {
  std::vector<std::string> command = {
      premises_->program,          "serve", "--json", "--listen", "127.0.0.1:0", "--workers",
      std::to_string(plan.workers)};
  if (premises_->provider)
    std::ranges::move(premises_->provider->arguments(), std::back_inserter(command));
  std::ranges::copy(plan.arguments, std::back_inserter(command));
  facts_.is_ours = true;
  facts_.is_alone = true;
  facts_.is_lexical = !premises_->provider;
  facts_.description = fmt::format("penstock serve, {} worker{}{}", plan.workers,
                                   plan.workers == 1 ? "" : "s", premises_->description());
  facts_.documents_in_flight_max =
      concurrency_in(plan.arguments, serve_concurrency) * std::max(plan.workers, 1u);
  process_.emplace(command, store_.environment(), premises_->folder.file("service.log"));
  let_generator_go_first(*process_);
  return process_->url();
}

std::unique_ptr<Observer> ServiceUnderTest::observe(Journal& journal,
                                                    const std::string& name_prefix) {
  return std::make_unique<ServiceObserver>(client_, journal, name_prefix, facts_);
}

std::unique_ptr<Destination> ServiceUnderTest::destination(Journal& journal) {
  return std::make_unique<HttpLoad>(HttpLoadOptions{.url = url_,
                                                    .api_key = api_key_,
                                                    .connections_max = connections_max_,
                                                    .connections_wait = connections_wait_},
                                    journal);
}

std::optional<ProcessUsage> ServiceUnderTest::usage() const {
  if (!process_) return std::nullopt;
  return tree_usage(process_->pid());
}

Soundness ServiceUnderTest::stop() {
  if (!process_) return {};
  const std::optional<std::string> end = process_->end();
  process_->stop(grace);
  Soundness soundness = find_soundness(*premises_, store_);
  if (end) soundness.findings.push_back("penstock serve " + *end + " in the middle of the run");
  return soundness;
}

}  // namespace penstock
