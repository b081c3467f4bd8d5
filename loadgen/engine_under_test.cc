#include "loadgen/engine_under_test.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "loadgen/engine_load.h"
#include "loadgen/records_observer.h"

namespace penstock {
namespace {

clockid_t clock_of_this_thread() {
  clockid_t clock{};
  pthread_getcpuclockid(pthread_self(), &clock);
  return clock;
}

std::vector<std::string> arguments_of(const SystemPlan& plan, const Premises& premises) {
  std::vector<std::string> arguments;
  if (premises.provider) arguments = premises.provider->arguments();
  std::ranges::copy(plan.arguments, std::back_inserter(arguments));
  return arguments;
}

}  // namespace

EngineUnderTest::EngineUnderTest(const Profile& profile, const Backends& backends,
                                 const Premises& premises)
    : premises_(premises),
      store_({premises.store().store, profile.system.ledger, profile.system.vectors}),
      sender_clock_(clock_of_this_thread()),
      engine_(backends.engine(store_, arguments_of(profile.system, premises))),
      records_(backends.records(store_)) {
  facts_.description = "an engine in the generator's process" + premises.description();
  facts_.is_ours = true;
  facts_.is_alone = profile.system.ledger.empty();
  facts_.is_lexical = !premises.provider;
  facts_.documents_in_flight_max = engine_->documents_in_flight_max();
}

std::unique_ptr<Observer> EngineUnderTest::observe(Journal& journal,
                                                   const std::string& name_prefix) {
  name_prefix_ = name_prefix;
  const QueueEyes eyes{[this] { return feed_.state(); },
                       [this](std::span<const std::string> keys) { return feed_.find(keys); }};
  return std::make_unique<RecordsObserver>(*records_, eyes, nullptr, journal, name_prefix, facts_);
}

std::unique_ptr<Destination> EngineUnderTest::destination(Journal& journal) {
  return std::make_unique<EngineLoad>(*engine_, feed_, journal);
}

std::optional<ProcessUsage> EngineUnderTest::usage() const {
  ProcessUsage usage = tree_usage(getpid());
  usage.cpu -= generator_usage().cpu;
  if (premises_.provider) {
    const ProcessUsage provider = premises_.provider->usage();
    usage.cpu -= provider.cpu;
    usage.memory_bytes -= std::min(usage.memory_bytes, provider.memory_bytes);
    usage.descriptors -= std::min(usage.descriptors, provider.descriptors);
  }
  return usage;
}

GeneratorUsage EngineUnderTest::generator_usage() const {
  timespec time{};
  clock_gettime(sender_clock_, &time);
  return {std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec), std::nullopt,
          process_usage(getpid()).descriptors};
}

Soundness EngineUnderTest::stop() {
  engine_.reset();
  return find_soundness(premises_, store_, facts_.is_alone ? std::string() : name_prefix_);
}

}  // namespace penstock
