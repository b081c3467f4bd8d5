#include "reports/attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "reports/format.h"
#include "reports/statistics.h"

namespace penstock {
namespace {

// A resource that is used more than this is what binds: what remains goes into waiting for turns.
constexpr double used_up = 0.9;
constexpr const char* slots_name = "documents in flight";

bool is_done(const Arrival* arrival) {
  return arrival->ending == Ending::done && arrival->done;
}

using Stretch = std::pair<Offset, Offset>;

// The time in which a phase's load is at work, without the pauses between bursts; each stretch ends
// a tenth of its documents before it is drained, since the last ones leave the others' places
// empty.
struct Work {
  std::vector<Stretch> stretches;
  double rate = 0;         // documents done a second
  double tokens = 0;       // of a document, the mean
  double in_a_slot_s = 0;  // likewise
};

Work work_of(const MeasuredPhase& phase) {
  Work work;
  double count = 0;
  double done = 0;
  double length_s = 0;
  std::vector<const Arrival*> arrivals = phase.arrivals;
  std::erase_if(arrivals, std::not_fn(is_done));
  const bool is_steady = phase.plan->documents_per_second || phase.plan->concurrency > 0;
  const ArrivalGroups groups =
      is_steady ? ArrivalGroups{arrivals}
                : groups_of(arrivals, [](const Arrival& arrival) { return arrival.done; });
  for (const std::vector<const Arrival*>& group : groups) {
    if (group.empty()) continue;
    std::vector<Offset> ends;
    for (const Arrival* arrival : group) {
      ends.push_back(*arrival->done);
      work.tokens += static_cast<double>(arrival->tokens);
      work.in_a_slot_s += in_seconds(*arrival->done - arrival->started.value_or(*arrival->done));
    }
    std::ranges::sort(ends);
    const Offset begin = is_steady ? phase.plan->begin : group.front()->intended;
    const Offset end = std::max(ends[(ends.size() - 1) * 9 / 10], begin + Offset{1});
    work.stretches.emplace_back(begin, end);
    count += static_cast<double>(ends.size());
    done += static_cast<double>(std::ranges::upper_bound(ends, end) - ends.begin());
    length_s += in_seconds(end - begin);
  }
  if (count == 0) return work;
  work.tokens /= count;
  work.in_a_slot_s /= count;
  work.rate = done / length_s;
  return work;
}

// Of the samples within. Absent: none says it.
template <typename What>
std::optional<double> mean_at_work(const RunRecord& run, const Work& work, const What& what) {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& [begin, end] : work.stretches)
    for (const Sample& sample : run.samples)
      if (const std::optional<double> value = what(sample);
          value && sample.at > begin && sample.at <= end) {
        sum += *value;
        ++count;
      }
  if (count > 0) return sum / static_cast<double>(count);
  // Shorter than the time between two.
  return mean_in(run.samples, work.stretches.front().first, work.stretches.front().second, what);
}

// Absent: nothing was done.
std::optional<Work> busiest(const std::vector<MeasuredPhase>& phases) {
  std::optional<Work> most;
  for (const MeasuredPhase& phase : phases)
    if (const Work work = work_of(phase); work.rate > 0 && (!most || work.rate > most->rate))
      most = work;
  return most;
}

Resource resource(std::string name, double used, double limit, std::string unit) {
  Resource made;
  made.name = std::move(name);
  made.used = used;
  made.limit = limit;
  made.unit = std::move(unit);
  made.utilisation = limit > 0 ? used / limit : 0;
  return made;
}

// As much more as there is of it: true of what a document needs a certain amount of.
void add_roofline(Resource& resource, double rate) {
  if (resource.utilisation > 0) resource.roofline = rate / resource.utilisation;
}

void add_keys(const RunRecord& run, const Work& work, std::vector<Resource>& resources) {
  double tokens = 0;
  for (const KeyRecord& key : run.keys) tokens += key.tokens_used;
  // In the minute that the keys' figures are of.
  const double rate = work.tokens > 0 ? tokens / 60 / work.tokens : 0;
  const auto add = [&](const std::string& what, const KeyRecord& key, double used,
                       std::uint64_t limit, const std::string& unit) {
    if (limit == 0) return;
    resources.push_back(
        resource(what + " per minute of " + key.name, used, static_cast<double>(limit), unit));
    if (rate > 0) add_roofline(resources.back(), rate);
  };
  for (const KeyRecord& key : run.keys) {
    add("tokens", key, key.tokens_used, key.tokens_per_minute, "tokens/min");
    add("requests", key, key.requests_used, key.requests_per_minute, "requests/min");
  }
}

double sent_per_second(const RunRecord& run, const Work& work) {
  double bytes = 0;
  double length_s = 0;
  for (const auto& [begin, end] : work.stretches) {
    const Sample* first = nullptr;
    const Sample* last = nullptr;
    for (const Sample& sample : run.samples) {
      if (sample.at < begin || sample.at > end) continue;
      if (first == nullptr) first = &sample;
      last = &sample;
    }
    if (first == last) continue;
    bytes += static_cast<double>(last->sent_bytes - first->sent_bytes);
    length_s += in_seconds(last->at - first->at);
  }
  return length_s > 0 ? bytes / length_s : 0;
}

bool has_roofline(const Resource& resource) {
  return resource.roofline.has_value();
}

// Of others than `binding`, the one that would bind next. Documents in flight that are all taken
// because they wait for what binds are not it.
const Resource* next_after(const Resource* binding, const std::vector<Resource>& resources) {
  const Resource* next = nullptr;
  for (const Resource& other : resources) {
    if (&other == binding || !has_roofline(other)) continue;
    if (other.name == slots_name && other.utilisation >= used_up) continue;
    if (next == nullptr || *other.roofline < *next->roofline) next = &other;
  }
  return next;
}

// Documents in flight fill up whenever they wait for anything else: they bind only if nothing else
// does.
const Resource* what_binds(const std::vector<Resource>& resources) {
  const Resource* slots = nullptr;
  for (const Resource& resource : resources) {
    if (!has_roofline(resource) || resource.utilisation < used_up) continue;
    if (resource.name != slots_name) return &resource;
    slots = &resource;
  }
  return slots;
}

std::string of_limit(const Resource& resource) {
  return fmt::format("{} ({:.1f}% used)", resource.name, 100 * resource.utilisation);
}

// A burst may be faster than a quota allows in the long run.
std::string what_is_next(const Resource& next, double rate) {
  const double times = *next.roofline / rate;
  return fmt::format("{} {} at {:.1f} x", times < 1 ? "in the long run:" : "next:", next.name,
                     times);
}

}  // namespace

StageTimes stages_of(const Arrival& arrival) {
  const std::array<std::optional<Offset>, stage_names.size()> ends = {
      arrival.issued,   arrival.accepted, arrival.started, arrival.extracted,
      arrival.embedded, arrival.stored,   arrival.done};
  StageTimes stages{};
  Offset before = arrival.intended;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const Offset end = std::max(before, std::min(ends[i].value_or(before), *arrival.done));
    stages[i] = in_seconds(end - before);
    before = end;
  }
  return stages;
}

std::vector<StageShare> stage_shares(const std::vector<MeasuredPhase>& phases) {
  std::array<std::vector<double>, stage_names.size()> times;
  for (const Arrival* arrival : arrivals_of(phases)) {
    if (!is_done(arrival)) continue;
    const StageTimes stages = stages_of(*arrival);
    for (std::size_t i = 0; i < stages.size(); ++i) times[i].push_back(stages[i]);
  }
  if (times[0].empty()) return {};
  std::vector<StageShare> shares;
  double whole = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    std::ranges::sort(times[i]);
    StageShare share;
    share.name = stage_names[i];
    share.mean_s = std::accumulate(times[i].begin(), times[i].end(), 0.0) /
                   static_cast<double>(times[i].size());
    share.p50_s = *quantile(times[i], 0.5).value;
    share.p99_s = *quantile(times[i], 0.99).value;
    whole += share.mean_s;
    shares.push_back(std::move(share));
  }
  for (StageShare& share : shares) share.share = whole > 0 ? share.mean_s / whole : 0;
  return shares;
}

std::vector<Resource> resources_of(const RunRecord& run, const std::vector<MeasuredPhase>& phases) {
  const std::optional<Work> work = busiest(phases);
  if (!work) return {};
  const auto mean_of = [&](const auto& what) { return mean_at_work(run, *work, what); };
  std::vector<Resource> resources;
  if (const auto cores = mean_of([](const Sample& s) { return s.system_cpu_cores; })) {
    resources.push_back(resource("CPU", *cores, run.system_cores, "cores"));
    add_roofline(resources.back(), work->rate);
  }
  if (const auto busy = mean_of([](const Sample& s) { return s.store_busy; })) {
    resources.push_back(resource("store", *busy, 1, "of the time"));
    add_roofline(resources.back(), work->rate);
  }
  if (run.documents_in_flight_max > 0 && !run.samples.empty()) {
    const auto working =
        mean_of([](const Sample& s) { return std::optional(static_cast<double>(s.working)); });
    resources.push_back(
        resource(slots_name, working.value_or(0), run.documents_in_flight_max, "documents"));
    if (work->in_a_slot_s > 0)
      resources.back().roofline = run.documents_in_flight_max / work->in_a_slot_s;
  }
  add_keys(run, *work, resources);
  std::uint64_t memory = 0;
  for (const Sample& sample : run.samples)
    memory = std::max(memory, sample.system_memory.value_or(0));
  if (memory > 0)
    resources.push_back(resource("memory", static_cast<double>(memory) / 1e6,
                                 static_cast<double>(run.environment.memory_bytes) / 1e6, "MB"));
  if (const double sent = sent_per_second(run, *work); sent > 0)
    resources.push_back(resource("network", sent / 1e6, 0, "MB/s"));
  std::ranges::stable_sort(resources, [](const Resource& a, const Resource& b) {
    return std::tuple(has_roofline(a), a.limit > 0, a.utilisation) >
           std::tuple(has_roofline(b), b.limit > 0, b.utilisation);
  });
  if (const Resource* const binding = what_binds(resources)) {
    const auto at = resources.begin() + (binding - resources.data());
    std::rotate(resources.begin(), at, at + 1);
  }
  return resources;
}

std::string bound_by(const RunRecord& run, const std::vector<MeasuredPhase>& phases,
                     const std::vector<Resource>& resources) {
  const std::optional<Work> work = busiest(phases);
  if (!work) return "nothing was done, so nothing can be said of what binds";
  const Resource* const binding = what_binds(resources);
  const Resource* const next = next_after(binding, resources);
  if (binding != nullptr) {
    std::string sentence = "bound by " + of_limit(*binding);
    if (binding->name == slots_name) sentence += ", while nothing else is used up: allow more";
    if (next != nullptr) sentence += "; " + what_is_next(*next, work->rate);
    return sentence;
  }
  if (next == nullptr)
    return "not known what binds: nothing of the system was to be seen from here";
  const auto waiting = mean_at_work(run, *work, [](const Sample& sample) {
    return std::optional(static_cast<double>(sample.queue_depth));
  });
  // Documents wait although there is room: something that was not measured holds them up.
  if (waiting.value_or(0) > std::max(1.0, work->rate))
    return fmt::format(
        "bound by nothing that was measured: {} documents waited on average; most used is {}",
        human_rate(*waiting), of_limit(resources.front()));
  if (*next->roofline < work->rate)
    return "bound by nothing in so short a time; " + what_is_next(*next, work->rate);
  return fmt::format("bound by nothing: the load was {:.0f}% of what {} allows",
                     100 * work->rate / *next->roofline, next->name);
}

}  // namespace penstock
