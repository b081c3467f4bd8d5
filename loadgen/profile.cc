#include "loadgen/profile.h"

#include <algorithm>
#include <string_view>

#include "engine/core/error.h"
#include "loadgen/profile_parts.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

bool is_in_file(const std::string& url) {
  return url.empty() || url.starts_with("sqlite:");
}

// What a destination has no use for is refused, so that nobody believes that it was heeded.
void refuse_others(const TomlTable& table, DestinationKind destination) {
  using enum DestinationKind;
  struct Use {
    std::string_view key;
    std::vector<DestinationKind> by;
  };
  const std::vector<Use> uses = {{"url", {http}},
                                 {"workers", {http, queue}},
                                 {"queue", {queue}},
                                 {"queue_name", {queue}},
                                 {"store", {queue}},
                                 {"ledger", {queue, engine}},
                                 {"blobs", {queue}},
                                 {"vectors", {queue, engine}},
                                 {"connections_max", {http, queue}},
                                 {"connections_wait", {http}}};
  for (const auto& [key, by] : uses)
    if (table.has(key) && std::ranges::find(by, destination) == by.end())
      table.refuse(key,
                   "has no meaning for destination \"" + std::string(name_of(destination)) + '"');
}

SystemPlan system_from(TomlTable& table) {
  SystemPlan plan;
  plan.destination = table.one_of<DestinationKind>("destination", DestinationKind::http,
                                                   {{"http", DestinationKind::http},
                                                    {"queue", DestinationKind::queue},
                                                    {"engine", DestinationKind::engine}});
  refuse_others(table, plan.destination);
  plan.url = table.text("url");
  plan.arguments = table.texts("arguments");
  const bool may_be_there = plan.destination == DestinationKind::queue;
  plan.workers = static_cast<std::uint32_t>(table.whole("workers", 1, may_be_there ? 0 : 1, 64));
  if (!plan.url.empty() && (table.has("arguments") || table.has("workers")))
    table.refuse("url", "is of a service that runs, whose arguments and workers are its own");
  plan.shown_queue = table.text("queue");
  plan.queue = table.url("queue");
  plan.queue_name = table.text("queue_name");
  plan.store = table.path("store");
  plan.ledger = table.url("ledger");
  plan.vectors = table.url("vectors");
  plan.blobs = table.text("blobs");
  if (!plan.blobs.empty() && !plan.blobs.starts_with("s3://")) plan.blobs = table.path("blobs");
  if (plan.workers == 0) {
    if (table.has("arguments"))
      table.refuse("arguments", "are of workers that the run starts, and workers is 0");
    for (const std::string_view key : {"queue", "blobs"})
      if (!table.has(key)) table.refuse(key, "is missing: workers that are there have theirs");
    if (plan.store.empty() && plan.ledger.empty())
      table.refuse("ledger", "is missing, and so is store: workers that are there have theirs");
  }
  if (plan.workers > 1 && plan.destination == DestinationKind::queue &&
      (is_in_file(plan.ledger) || is_in_file(plan.vectors)))
    table.refuse("workers", "is 1 where ledger or vectors are in a file, which one process writes");
  table.finish();
  return plan;
}

Phase phase_from(TomlTable& table, std::size_t number) {
  Phase phase;
  phase.name = table.text("name", "phase " + std::to_string(number + 1));
  phase.plan = table.one_of<ArrivalPlan>("plan", ArrivalPlan::constant,
                                         {{"constant", ArrivalPlan::constant},
                                          {"poisson", ArrivalPlan::poisson},
                                          {"ramp", ArrivalPlan::ramp},
                                          {"spike", ArrivalPlan::spike},
                                          {"burst", ArrivalPlan::burst},
                                          {"replay", ArrivalPlan::replay},
                                          {"closed", ArrivalPlan::closed}});
  phase.is_warm_up = table.flag("warm_up");
  phase.lane = table.one_of<Lane>("lane", Lane::interactive,
                                  {{"interactive", Lane::interactive}, {"bulk", Lane::bulk}});
  constexpr double rate_max = 100'000;
  const auto need = [&](std::string_view key) {
    if (!table.has(key)) table.refuse(key, "is missing");
  };
  const auto take_length = [&] {
    need("length");
    phase.length = Seconds(table.seconds("length", 0));
    if (phase.length.count() <= 0) table.refuse("length", "is more than 0");
  };
  const auto take_rate = [&] {
    need("per_second");
    phase.per_second = table.number("per_second", 0, 1e-6, rate_max);
  };
  switch (phase.plan) {
    case ArrivalPlan::constant:
    case ArrivalPlan::poisson:
      take_length();
      take_rate();
      break;
    case ArrivalPlan::ramp:
    case ArrivalPlan::spike:
      take_length();
      take_rate();
      phase.from_per_second = table.number("from_per_second", 0, 0, rate_max);
      break;
    case ArrivalPlan::burst:
      need("documents");
      phase.documents = table.whole("documents", 0, 1, 1'000'000);
      phase.times = static_cast<std::uint32_t>(table.whole("times", 1, 1, 10'000));
      phase.pause = Seconds(table.seconds("pause", 0));
      break;
    case ArrivalPlan::replay:
      need("trace");
      phase.trace = table.path("trace");
      break;
    case ArrivalPlan::closed:
      take_length();
      need("concurrency");
      phase.concurrency = static_cast<std::uint32_t>(table.whole("concurrency", 0, 1, 100'000));
      break;
  }
  table.finish();
  return phase;
}

Target target_from(TomlTable& table, const std::vector<DocumentKind>& kinds) {
  Target target;
  const std::vector<std::pair<std::string_view, Measure>> measures = {
      {"upload", Measure::upload},
      {"start", Measure::start},
      {"done", Measure::done},
      {"documents_per_day", Measure::documents_per_day},
      {"concurrent", Measure::concurrent},
      {"memory", Measure::memory},
      {"descriptors", Measure::descriptors}};
  if (!table.has("measure")) table.refuse("measure", "is missing");
  target.measure = table.one_of<Measure>("measure", Measure::upload, measures);
  for (const auto& [name, measure] : measures)
    if (measure == target.measure) target.name = name;
  if (!table.has("limit")) table.refuse("limit", "is missing");
  if (target.measure == Measure::memory) {
    target.limit = static_cast<double>(table.bytes("limit", 0));
  } else if (!is_time(target.measure)) {
    target.limit = table.number("limit", 0, 1, 1e12);
  } else {
    target.limit = table.seconds("limit", 0);
    if (target.limit <= 0) table.refuse("limit", "is more than 0");
    target.fraction = table.number("fraction", 0.99, 0.5, 0.9999);
    target.kind = table.text("kind");
    if (std::ranges::find(kinds, target.kind, &DocumentKind::name) != kinds.end())
      target.name = target.kind + " " + target.name;
    else if (table.has("kind"))
      table.refuse("kind", "is the name of no [[kind]]");
  }
  target.name = table.text("name", target.name);
  table.finish();
  return target;
}

// About. Of a trace and of clients: unknown, 0.
double documents_in(const Phase& phase) {
  const double seconds = phase.length.count();
  switch (phase.plan) {
    case ArrivalPlan::constant:
    case ArrivalPlan::poisson:
      return seconds * phase.per_second;
    case ArrivalPlan::ramp:
      return seconds * (phase.from_per_second + phase.per_second) / 2;
    case ArrivalPlan::spike:
      return seconds * (2 * phase.from_per_second + phase.per_second) / 3;
    case ArrivalPlan::burst:
      return static_cast<double>(phase.documents) * phase.times;
    case ArrivalPlan::replay:
    case ArrivalPlan::closed:
      return 0;
  }
  return 0;
}

bool is_of_uploads(Measure measure) {
  return measure == Measure::upload || measure == Measure::concurrent;
}

// The mission's, as far as the load can show them.
std::vector<Target> default_targets(const Profile& profile) {
  std::vector<Target> targets = {{"upload", Measure::upload, 2, 0.99, {}},
                                 {"start", Measure::start, 10, 0.99, {}}};
  for (const DocumentKind& kind : profile.kinds) {
    constexpr std::uint64_t ten_megabytes = 10'000'000;
    if (kind.folder.empty() && kind.bytes >= ten_megabytes)
      targets.push_back({kind.name + " done", Measure::done, 60, 0.99, kind.name});
  }
  targets.push_back({"documents per day", Measure::documents_per_day, 10'000, 0.99, {}});
  constexpr std::uint64_t concurrent = 1'000;
  const auto is_burst = [&](const Phase& phase) {
    return phase.plan == ArrivalPlan::burst && phase.documents >= concurrent;
  };
  if (std::ranges::any_of(profile.phases, is_burst))
    targets.push_back({"concurrent uploads", Measure::concurrent, concurrent, 0.99, {}});
  if (profile.system.destination == DestinationKind::engine)
    std::erase_if(targets, [](const Target& target) { return is_of_uploads(target.measure); });
  return targets;
}

}  // namespace

Profile read_profile(const std::string& path) {
  Profile profile;
  profile.text = read_toml(path);
  const toml::table parsed = parse_toml(profile.text, path);
  TomlTable root(parsed, path, {});
  profile.name = root.text("name", path.substr(path.rfind('/') + 1));
  profile.seed = root.whole("seed", 1, 0, INT64_MAX);
  profile.drain_max = Seconds(root.seconds("drain_max", 300));
  profile.connections_max =
      static_cast<std::uint32_t>(root.whole("connections_max", 4'096, 1, 60'000));
  profile.connections_wait = root.flag("connections_wait");
  profile.content_checks = static_cast<std::uint32_t>(root.whole("content_checks", 10, 0, 1'000));
  if (std::optional<TomlTable> system = root.table("system")) profile.system = system_from(*system);
  refuse_others(root, profile.system.destination);
  profile.provider = read_provider(root);
  if (profile.provider && !profile.system.is_started())
    root.refuse("provider", profile.system.url.empty()
                                ? "is for workers that the run starts, and [system] has none"
                                : "is for a system that the run starts, and [system] names a url");
  profile.kinds = read_kinds(root, path);
  double documents = 0;
  for (TomlTable& table : root.tables("phase")) {
    add_named(profile.phases, table, phase_from(table, profile.phases.size()));
    documents += documents_in(profile.phases.back());
    if (documents > static_cast<double>(run_documents_max))
      table.refuse("plan", "makes the run one of more than " + std::to_string(run_documents_max) +
                               " documents");
  }
  if (profile.phases.empty()) throw FatalError(path + ": has no [[phase]]");
  for (TomlTable& table : root.tables("target")) {
    Target target = target_from(table, profile.kinds);
    if (profile.system.destination == DestinationKind::engine && is_of_uploads(target.measure))
      table.refuse("measure", "is of uploads, and an engine is handed its documents");
    add_named(profile.targets, table, std::move(target));
  }
  root.finish();
  if (profile.targets.empty()) profile.targets = default_targets(profile);
  return profile;
}

}  // namespace penstock
