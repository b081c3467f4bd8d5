#include "loadgen/fleet_under_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

#include "loadgen/queue_load.h"
#include "loadgen/records_observer.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience{30};      // until a worker works
constexpr std::chrono::seconds grace{30};         // until it has ended
constexpr std::uint32_t worker_concurrency = 50;  // of `penstock worker`

StorePlace store_of(const SystemPlan& plan, const Premises* premises) {
  if (plan.store.empty() && premises != nullptr)
    return {premises->store().store, plan.ledger, plan.vectors};
  return {plan.store, plan.ledger, plan.vectors};
}

FleetPlace place_of(const SystemPlan& plan, const Premises* premises) {
  FleetPlace place{plan.queue, plan.queue_name, store_of(plan, premises)};
  if (place.queue.empty() && premises != nullptr)
    place.queue = "sqlite:" + premises->folder.file("queue.db");
  // Workers that this run starts take no other documents than its own.
  if (place.queue_name.empty())
    place.queue_name =
        premises == nullptr ? "default" : fs::path(premises->folder.path()).filename().string();
  return place;
}

std::string blobs_of(const SystemPlan& plan, const Premises* premises) {
  if (plan.blobs.empty() && premises != nullptr) return premises->folder.file("blobs");
  if (plan.blobs.starts_with("s3://")) return plan.blobs;
  return fs::absolute(plan.blobs).lexically_normal().string();
}

// Better told before than of each document. Throws FatalError.
void require_writable(BlobStore& blobs, const std::string& place) {
  const std::string location = place + "/penstock-capacity-probe";
  Result<void> done = blobs.write(location, "written");
  if (done) done = blobs.remove(location);
  if (!done) throw FatalError("[system] blobs: " + location + ": " + done.error().message);
}

}  // namespace

FleetUnderTest::FleetUnderTest(const Profile& profile, const Backends& backends,
                               const Premises* premises)
    : premises_(premises),
      place_(place_of(profile.system, premises)),
      blobs_(blobs_of(profile.system, premises)),
      under_way_max_(profile.connections_max),
      queue_(backends.queue(place_, profile.system.arguments)) {
  require_writable(queue_->blobs(), blobs_);
  const SystemPlan& plan = profile.system;
  facts_.generator_cores = std::min(QueueLoad::threads, std::thread::hardware_concurrency());
  facts_.is_ours = plan.workers > 0;
  facts_.is_alone = premises != nullptr && plan.store.empty() && plan.ledger.empty();
  facts_.is_lexical = premises != nullptr && !premises->provider;
  if (premises_ != nullptr) start_workers(plan);
  facts_.description = fmt::format(
      "{}, queue {}{}",
      plan.workers == 0
          ? std::string("workers that were there")
          : fmt::format("{} penstock worker{}", plan.workers, plan.workers == 1 ? "" : "s"),
      plan.shown_queue.empty() ? "in a file" : plan.shown_queue,
      premises_ != nullptr ? premises_->description() : std::string());
  records_ = backends.records(place_.store);
}

void FleetUnderTest::start_workers(const SystemPlan& plan) {
  std::vector<std::string> command = {premises_->program, "worker", "--json", "--queue-name",
                                      place_.queue_name};
  if (premises_->provider)
    std::ranges::move(premises_->provider->arguments(), std::back_inserter(command));
  std::ranges::copy(plan.arguments, std::back_inserter(command));
  for (std::uint32_t i = 0; i < plan.workers; ++i) {
    workers_.push_back(
        std::make_unique<Child>(command, place_.environment(),
                                premises_->folder.file(fmt::format("worker-{}.log", i + 1))));
    let_generator_go_first(*workers_.back());
  }
  for (const auto& worker : workers_) worker->first_line(patience);
  facts_.documents_in_flight_max =
      concurrency_in(plan.arguments, worker_concurrency) * plan.workers;
}

std::unique_ptr<Observer> FleetUnderTest::observe(Journal& journal,
                                                  const std::string& name_prefix) {
  name_prefix_ = name_prefix;
  Broker& broker = queue_->broker();
  const QueueEyes eyes{[&broker] { return broker.state(); },
                       [&broker](std::span<const std::string> keys) { return broker.find(keys); }};
  return std::make_unique<RecordsObserver>(*records_, eyes, &queue_->events(), journal, name_prefix,
                                           facts_);
}

std::unique_ptr<Destination> FleetUnderTest::destination(Journal& journal) {
  return std::make_unique<QueueLoad>(queue_->broker(), queue_->blobs(),
                                     QueueLoadOptions{blobs_, under_way_max_}, journal);
}

std::optional<ProcessUsage> FleetUnderTest::usage() const {
  if (workers_.empty()) return std::nullopt;
  ProcessUsage all;
  for (const auto& worker : workers_) {
    const ProcessUsage usage = tree_usage(worker->pid());
    all.cpu += usage.cpu;
    all.memory_bytes += usage.memory_bytes;
    all.descriptors += usage.descriptors;
  }
  return all;
}

bool FleetUnderTest::has_ended() {
  return !workers_.empty() && std::ranges::all_of(workers_, [](const auto& worker) {
    return worker->end().has_value();
  });
}

Soundness FleetUnderTest::stop() {
  if (workers_.empty()) return {};
  std::vector<std::string> ends;
  for (const auto& worker : workers_)
    if (const auto end = worker->end())
      ends.push_back("penstock worker " + *end + " in the middle of the run");
  for (const auto& worker : workers_) worker->stop(grace);
  Soundness soundness =
      find_soundness(*premises_, place_.store, facts_.is_alone ? std::string() : name_prefix_);
  std::ranges::move(ends, std::back_inserter(soundness.findings));
  return soundness;
}

}  // namespace penstock
