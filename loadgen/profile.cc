#include "loadgen/profile.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

#include "engine/core/error.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

template <typename Unit>
struct UnitName {
  std::string_view name;
  Unit of;
};

constexpr UnitName<double> time_units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3'600}};
constexpr UnitName<double> size_units[] = {{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}};

// "1.5 MB"; absent: it is none.
template <typename Units>
std::optional<double> with_unit(std::string_view text, const Units& units) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, of] : units)
    if (unit == name) return number * of;
  return std::nullopt;
}

// One table of the file, whose keys are asked for one after another; finish() refuses those that
// nobody asked for.
class Table {
 public:
  Table(const toml::table& table, std::string path, std::string where)
      : table_(table), path_(std::move(path)), where_(std::move(where)) {}

  bool has(std::string_view key) const { return table_.contains(key); }

  double number(std::string_view key, double otherwise, double least, double most) {
    const toml::node* const node = find(key);
    if (node == nullptr) return otherwise;
    const std::optional<double> value = node->value<double>();
    if (!node->is_number() || !value || !(*value >= least && *value <= most))
      refuse(key, "is a number from " + text_of(least) + " to " + text_of(most));
    return *value;
  }
  std::uint64_t whole(std::string_view key, std::uint64_t otherwise, std::uint64_t least,
                      std::uint64_t most) {
    const toml::node* const node = find(key);
    if (node == nullptr) return otherwise;
    const std::optional<std::int64_t> value = node->value_exact<std::int64_t>();
    if (!value || *value < 0 || static_cast<std::uint64_t>(*value) < least ||
        static_cast<std::uint64_t>(*value) > most)
      refuse(key,
             "is a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return static_cast<std::uint64_t>(*value);
  }
  bool flag(std::string_view key) {
    const toml::node* const node = find(key);
    if (node == nullptr) return false;
    const std::optional<bool> value = node->value_exact<bool>();
    if (!value) refuse(key, "is true or false");
    return *value;
  }
  std::string text(std::string_view key, std::string otherwise = {}) {
    const toml::node* const node = find(key);
    if (node == nullptr) return otherwise;
    const auto value = node->value_exact<std::string>();
    if (!value) refuse(key, "is a text in quotes");
    return *value;
  }
  // Of a file or folder; from the profile's own folder, wherever the run is started.
  std::string path(std::string_view key) {
    const std::string said = text(key);
    if (said.empty() && has(key)) refuse(key, "is empty");
    return said.empty() ? said : (std::filesystem::path(path_).parent_path() / said).string();
  }
  // Of a server, or of a file. What is secret in it does not belong into a profile, which every
  // report shows: "$NAME" stands for what the environment's variable NAME has.
  std::string url(std::string_view key) {
    std::string said = text(key);
    if (said.starts_with('$')) {
      const char* const value = std::getenv(said.c_str() + 1);
      if (value == nullptr || *value == '\0')
        refuse(key, "is what " + said.substr(1) + " has in the environment, which is nothing");
      return value;
    }
    const std::size_t host = said.rfind('@');
    const std::size_t user = said.find("://");
    if (host != std::string::npos && user < host &&
        said.substr(0, host).find(':', user + 3) != std::string::npos)
      refuse(key, "has a password, which reports would show: write \"$NAME\", and set NAME to it");
    return said;
  }
  std::vector<std::string> texts(std::string_view key) {
    const toml::node* const node = find(key);
    if (node == nullptr) return {};
    std::vector<std::string> values;
    const toml::array* const array = node->as_array();
    if (array == nullptr) refuse(key, "is a list of texts in quotes");
    for (const toml::node& element : *array) {
      const auto value = element.value_exact<std::string>();
      if (!value) refuse(key, "is a list of texts in quotes");
      values.push_back(*value);
    }
    return values;
  }
  // "20s", or a number of seconds.
  double seconds(std::string_view key, double otherwise) {
    return quantity(key, otherwise, time_units, Seconds(run_time_max).count(),
                    "is a time: \"20s\", \"5m\", \"250ms\"; at most 100 days");
  }
  // "1MB", or a number of bytes.
  std::uint64_t bytes(std::string_view key, std::uint64_t otherwise) {
    return static_cast<std::uint64_t>(quantity(key, static_cast<double>(otherwise), size_units,
                                               1e15, "is a size: \"800KB\", \"1.5MB\""));
  }
  template <typename Value>
  Value one_of(std::string_view key, Value otherwise,
               const std::vector<std::pair<std::string_view, Value>>& values) {
    const toml::node* const node = find(key);
    if (node == nullptr) return otherwise;
    const std::string said = node->value_or<std::string>("");
    std::string names;
    for (const auto& [name, value] : values) {
      if (said == name) return value;
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    refuse(key, "is one of " + names);
  }
  std::vector<Table> tables(std::string_view key) {
    const toml::node* const node = find(key);
    if (node == nullptr) return {};
    std::vector<Table> tables;
    const toml::array* const array = node->as_array();
    if (array == nullptr) refuse(key, "is written as [[" + std::string(key) + "]]");
    for (const toml::node& element : *array) {
      if (!element.is_table()) refuse(key, "is written as [[" + std::string(key) + "]]");
      tables.emplace_back(*element.as_table(), path_, "[[" + std::string(key) + "]] ");
    }
    return tables;
  }
  std::optional<Table> table(std::string_view key) {
    const toml::node* const node = find(key);
    if (node == nullptr) return std::nullopt;
    if (!node->is_table()) refuse(key, "is written as [" + std::string(key) + "]");
    return Table(*node->as_table(), path_, "[" + std::string(key) + "] ");
  }

  void finish() const {
    for (const auto& [key, _] : table_)
      if (!asked_.contains(std::string(key.str()))) refuse(key.str(), "is no key here");
  }
  // A key that is missing is where its table is.
  [[noreturn]] void refuse(std::string_view key, const std::string& why) const {
    const toml::node* const node = table_.get(key);
    const std::uint32_t line = (node != nullptr ? node : &table_)->source().begin.line;
    throw FatalError(path_ + ":" + std::to_string(line) + ": " + where_ + std::string(key) + " " +
                     why);
  }

 private:
  const toml::node* find(std::string_view key) {
    asked_.emplace(key);
    return table_.get(key);
  }
  template <typename Units>
  double quantity(std::string_view key, double otherwise, const Units& units, double most,
                  const std::string& why) {
    const toml::node* const node = find(key);
    if (node == nullptr) return otherwise;
    std::optional<double> value;
    if (node->is_number())
      value = node->value<double>();
    else if (const auto text = node->value_exact<std::string>())
      value = with_unit(*text, units);
    if (!value || !(*value >= 0 && *value <= most)) refuse(key, why);
    return *value;
  }
  static std::string text_of(double number) {
    std::ostringstream text;
    text << number;
    return text.str();
  }

  const toml::table& table_;
  const std::string path_;
  const std::string where_;
  std::set<std::string> asked_;
};

bool is_in_file(const std::string& url) {
  return url.empty() || url.starts_with("sqlite:");
}

// What of [system] a destination has no use for is refused, so that nobody believes that it was
// heeded.
void refuse_others(const Table& table, DestinationKind destination) {
  using enum DestinationKind;
  struct Use {
    std::string_view key;
    std::vector<DestinationKind> by;
  };
  const std::vector<Use> uses = {{"url", {http}},    {"workers", {http, queue}},
                                 {"queue", {queue}}, {"queue_name", {queue}},
                                 {"store", {queue}}, {"ledger", {queue, engine}},
                                 {"blobs", {queue}}, {"vectors", {queue, engine}}};
  for (const auto& [key, by] : uses)
    if (table.has(key) && std::ranges::find(by, destination) == by.end())
      table.refuse(key,
                   "has no meaning for destination \"" + std::string(name_of(destination)) + '"');
}

SystemPlan system_from(Table& table) {
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

Phase phase_from(Table& table, std::size_t number) {
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

DocumentKind kind_from(Table& table, std::size_t number) {
  DocumentKind kind;
  kind.name = table.text("name", "kind-" + std::to_string(number + 1));
  kind.weight = table.number("weight", 1, 1e-9, 1e9);
  kind.folder = table.path("folder");
  if (kind.folder.empty()) {
    if (!table.has("size")) table.refuse("size", "is missing, and so is folder");
    kind.bytes = table.bytes("size", 0);
    kind.bytes_of_text = table.bytes("text", 0);
    constexpr std::uint64_t bytes_max = 256'000'000;
    // Less than a page of text is none that is made.
    if (kind.bytes < 4'000 || kind.bytes > bytes_max) table.refuse("size", "is from 4KB to 256MB");
    if (table.has("text") && (kind.bytes_of_text < 3'000 || kind.bytes_of_text > kind.bytes))
      table.refuse("text", "is from 3KB to size");
  }
  table.finish();
  return kind;
}

Target target_from(Table& table, const std::vector<DocumentKind>& kinds) {
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

toml::table parse(const std::string& text, const std::string& path) {
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw FatalError(path + ":" + std::to_string(error.source().begin.line) + ": " +
                     std::string(error.description()));
  }
}

// One more, whose name is to be its own: reports tell phases, kinds and targets apart by it.
template <typename Named>
void add(std::vector<Named>& all, const Table& table, Named one) {
  if (one.name.empty()) table.refuse("name", "is empty");
  if (std::ranges::find(all, one.name, &Named::name) != all.end())
    table.refuse("name", "is \"" + one.name + "\", as another's");
  all.push_back(std::move(one));
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
  std::ifstream file(path);
  if (!file) throw FatalError(path + ": the profile cannot be read");
  std::ostringstream all;
  all << file.rdbuf();
  Profile profile;
  profile.text = all.str();
  const toml::table parsed = parse(profile.text, path);
  Table root(parsed, path, {});
  profile.name = root.text("name", path.substr(path.rfind('/') + 1));
  profile.seed = root.whole("seed", 1, 0, INT64_MAX);
  profile.drain_max = Seconds(root.seconds("drain_max", 300));
  profile.connections_max =
      static_cast<std::uint32_t>(root.whole("connections_max", 4'096, 1, 60'000));
  profile.connections_wait = root.flag("connections_wait");
  profile.content_checks = static_cast<std::uint32_t>(root.whole("content_checks", 10, 0, 1'000));
  if (std::optional<Table> system = root.table("system")) profile.system = system_from(*system);
  if (std::optional<Table> provider = root.table("provider")) {
    ProviderPlan plan;
    plan.keys = static_cast<std::uint32_t>(provider->whole("keys", 1, 1, 100));
    plan.requests_per_minute = provider->whole("requests_per_minute", 3'000, 1, 1'000'000'000);
    plan.tokens_per_minute = provider->whole("tokens_per_minute", 90'000, 1, 1'000'000'000);
    plan.latency = provider->text("latency", "60ms-400ms");
    plan.faults = provider->number("faults", 0, 0, 1);
    if (!profile.system.is_started())
      root.refuse("provider",
                  profile.system.url.empty()
                      ? "is for workers that the run starts, and [system] has none"
                      : "is for a system that the run starts, and [system] names a url");
    provider->finish();
    profile.provider = plan;
  }
  for (Table& table : root.tables("kind"))
    add(profile.kinds, table, kind_from(table, profile.kinds.size()));
  if (profile.kinds.empty()) throw FatalError(path + ": has no [[kind]] of document");
  double documents = 0;
  for (Table& table : root.tables("phase")) {
    add(profile.phases, table, phase_from(table, profile.phases.size()));
    documents += documents_in(profile.phases.back());
    if (documents > static_cast<double>(run_documents_max))
      table.refuse("plan", "makes the run one of more than " + std::to_string(run_documents_max) +
                               " documents");
  }
  if (profile.phases.empty()) throw FatalError(path + ": has no [[phase]]");
  for (Table& table : root.tables("target")) {
    Target target = target_from(table, profile.kinds);
    if (profile.system.destination == DestinationKind::engine && is_of_uploads(target.measure))
      table.refuse("measure", "is of uploads, and an engine is handed its documents");
    add(profile.targets, table, std::move(target));
  }
  root.finish();
  if (profile.targets.empty()) profile.targets = default_targets(profile);
  return profile;
}

}  // namespace penstock
