#include "loadgen/capacity_run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "loadgen/driver.h"
#include "loadgen/engine_under_test.h"
#include "loadgen/environment.h"
#include "loadgen/fleet_under_test.h"
#include "loadgen/observer.h"
#include "loadgen/premises.h"
#include "loadgen/sampler.h"
#include "loadgen/service_under_test.h"
#include "loadgen/store_use.h"
#include "loadgen/system_under_test.h"

namespace penstock {
namespace {

// A connection is a descriptor. Returns how many there may be.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  return limit.rlim_cur;
}

// Of documents, and of no other run's.
std::string new_name_prefix(std::uint64_t seed) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("capacity-{}-{:x}-", seed,
                     std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::chrono::duration<double> planned(const Schedule& schedule) {
  Offset sum{0};
  for (const Stretch& stretch : schedule) sum += stretch.length + stretch.pause_after;
  return sum;
}

std::vector<KindRecord> kinds_of(const Profile& profile) {
  std::vector<KindRecord> kinds;
  for (const DocumentKind& kind : profile.kinds) kinds.push_back({kind.name, kind.weight});
  return kinds;
}

// What was under way when nothing was waited for any more.
void end_unanswered(std::vector<Arrival>& arrivals) {
  for (Arrival& arrival : arrivals) {
    if (arrival.ending != Ending::in_flight || !arrival.id.empty()) continue;
    arrival.ending = Ending::broken;
    arrival.message = "no answer when the run ended";
  }
}

bool none_in_flight(const std::vector<Arrival>& arrivals) {
  return std::ranges::none_of(
      arrivals, [](const Arrival& arrival) { return arrival.ending == Ending::in_flight; });
}

}  // namespace

RunRecord CapacityRun::run() {
  const Profile& profile = plan_.profile;
  RunRecord run;
  run.profile_name = profile.name;
  run.profile_text = profile.text;
  run.command = plan_.command;
  run.seed = profile.seed;
  run.destination = name_of(profile.system.destination);
  run.kinds = kinds_of(profile);
  run.descriptors_max = raise_descriptor_limit();
  run.environment = environment_of_run(plan_.version);

  std::optional<Premises> premises;
  if (profile.system.is_started()) premises.emplace(profile, plan_.program, plan_.keep);
  const std::unique_ptr<SystemUnderTest> system = start(premises ? &*premises : nullptr);
  const SystemFacts& facts = system->facts();
  run.system = facts.description;
  run.documents_in_flight_max = facts.documents_in_flight_max;
  run.generator_cores = facts.generator_cores;
  if (facts.is_ours) run.system_cores = run.environment.cores;

  const std::string name_prefix = new_name_prefix(profile.seed);
  Journal journal(std::chrono::steady_clock::now());
  const std::unique_ptr<Observer> observer = system->observe(journal, name_prefix);
  const std::unique_ptr<Destination> destination = system->destination(journal);
  run.connections_wait = profile.connections_wait;
  {
    const std::lock_guard lock(mutex_);
    journal_ = &journal;
    if (interrupted_) journal.stop();
  }
  Sampler sampler(journal,
                  {[&] { return system->usage(); }, [&] { return system->generator_usage(); },
                   [&] { return observer->depth(); }, [&] { return destination->state(); }},
                  [&] {
                    if (system->has_ended()) journal.stop();
                    show(journal);
                  });

  DriverOptions options;
  options.name_prefix = name_prefix;
  options.drain_max = std::chrono::duration_cast<std::chrono::nanoseconds>(profile.drain_max);
  options.phase_begins = [&, was_warm_up = true](std::size_t phase) mutable {
    enter(profile.phases[phase].name);
    // What the provider let through before the first measured phase is not of interest.
    const bool is_warm_up = profile.phases[phase].is_warm_up;
    if (was_warm_up && !is_warm_up && premises && premises->provider)
      note(run, premises->provider->reset());
    was_warm_up = is_warm_up;
  };
  run.phases =
      drive(profile.phases, plan_.schedule, plan_.content_of, *destination, journal, options);
  enter("drain");
  drain(*observer, journal, std::chrono::steady_clock::now() + options.drain_max);
  run.ended = journal.now();

  {
    const std::lock_guard lock(mutex_);
    journal_ = nullptr;
    if (interrupted_) run.interrupted = "it was interrupted";
  }
  if (system->has_ended() && run.interrupted.empty()) run.interrupted = "what it loaded has ended";
  run.samples = sampler.stop();
  destination->stop();
  run.arrivals = journal.take();
  end_unanswered(run.arrivals);
  note(run, observer->complete(run));
  add_store_use(run);
  run.is_drained = none_in_flight(run.arrivals);
  check_content(*observer, run, profile.content_checks, plan_.content_of);
  if (premises && premises->provider) {
    Result<std::vector<KeyRecord>> keys = premises->provider->use();
    if (keys)
      run.keys = *std::move(keys);
    else
      note(run, pass_on(keys.error()));
  }
  Soundness soundness = system->stop();
  run.stored_twice += soundness.stored_twice;
  std::ranges::move(soundness.findings, std::back_inserter(run.findings));
  return run;
}

std::unique_ptr<SystemUnderTest> CapacityRun::start(const Premises* premises) const {
  switch (plan_.profile.system.destination) {
    case DestinationKind::http:
      return std::make_unique<ServiceUnderTest>(plan_.profile, plan_.api_key, premises);
    case DestinationKind::engine:
      return std::make_unique<EngineUnderTest>(plan_.profile, plan_.backends, *premises);
    case DestinationKind::queue:
      return std::make_unique<FleetUnderTest>(plan_.profile, plan_.backends, premises);
  }
  return nullptr;
}

void CapacityRun::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  if (journal_ != nullptr) journal_->stop();
}

void CapacityRun::enter(const std::string& phase) {
  const std::lock_guard lock(mutex_);
  phase_ = phase;
}

void CapacityRun::show(const Journal& journal) {
  RunProgress progress;
  {
    const std::lock_guard lock(mutex_);
    progress.phase = phase_;
  }
  progress.counts = journal.counts();
  progress.elapsed = journal.now();
  progress.planned = planned(plan_.schedule);
  progress_(progress);
}

// Without what it failed to tell, nothing can be concluded of the run.
void CapacityRun::note(RunRecord& run, const Result<void>& result) {
  if (!result && run.interrupted.empty()) run.interrupted = result.error().message;
}

}  // namespace penstock
