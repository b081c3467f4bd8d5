#include "loadgen/gate/gate_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "engine/core/error.h"
#include "loadgen/environment.h"
#include "loadgen/gate/backfill_run.h"
#include "loadgen/gate/build.h"
#include "loadgen/gate/content_run.h"
#include "loadgen/gate/control.h"
#include "loadgen/gate/exported.h"
#include "loadgen/gate/instructions.h"
#include "loadgen/gate/metrics.h"
#include "loadgen/gate/micro.h"
#include "loadgen/gate/pairs.h"
#include "loadgen/run_folder.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

std::string description_of(const GateJob& job, const CorpusSize& corpus) {
  return fmt::format("backfill of {} documents, {:.0f} MB, with {}", corpus.documents,
                     static_cast<double>(corpus.bytes) / 1e6,
                     job.provider ? "an emulated provider" : "lexical:");
}

std::string pair_under_way(const GateRecord& record) {
  return fmt::format("pair {} of at most {}", record.pairs.size() + 1, record.pairs_max);
}

// A folder that is there and empty.
std::string fresh(const std::string& path) {
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

// The way of a document, a step after the other: from the time of its name to the next.
struct Step {
  std::string_view name;
  const char* from;
  const char* to;
};
constexpr Step steps[] = {{"extract", "started", "extracted"},
                          {"embed", "extracted", "embedded"},
                          {"store", "embedded", "stored"}};

// How long 19 of 20 documents took at most for each, with what they waited for.
void add_latencies(const Exported& exported, Values& values) {
  for (const Step& step : steps) {
    std::vector<std::int64_t> took;
    for (const auto& [key, document] : exported) {
      const auto from = document.times.find(step.from);
      const auto to = document.times.find(step.to);
      if (from != document.times.end() && to != document.times.end())
        took.push_back(to->second - from->second);
    }
    if (took.empty()) continue;
    const auto at = took.begin() + static_cast<std::ptrdiff_t>((took.size() - 1) * 95 / 100);
    std::ranges::nth_element(took, at);
    values[std::string(metric::p95) + std::string(step.name)] = static_cast<double>(*at) / 1e3;
  }
}

}  // namespace

GateRecord GateRun::run() {
  const auto began = std::chrono::steady_clock::now();
  const RunFolder folder("penstock-gate-", false);
  GateRecord record = begin();
  const Build baseline = find_build(plan_.baseline, folder.file("version.log"));
  const Build candidate = find_build(plan_.candidate, folder.file("version.log"));
  record.baseline = baseline.identity;
  record.candidate = candidate.identity;
  record.metrics = run_metrics(plan_.job);

  count_instructions(
      baseline, candidate, plan_.job, folder.path(), interrupted_,
      [&](const std::string& stage) { progress_("counting instructions of " + stage); }, record);

  progress_("comparing content");
  compare_content_of(baseline, candidate, plan_.job, folder.path(), interrupted_, record);

  progress_("writing the documents");
  const std::string corpus = fresh(folder.file("corpus"));
  record.job = description_of(plan_.job, write_corpus(plan_.job, corpus));
  run_backfills(baseline, candidate, corpus, folder.path(), record);
  return end(std::move(record), began);
}

void GateRun::run_backfills(const Build& baseline, const Build& candidate,
                            const std::string& corpus, const std::string& folder,
                            GateRecord& record) {
  PairPlan pairs;
  pairs.seed = plan_.seed;
  pairs.decided = decided_;
  pairs.show = [&] { progress_(pair_under_way(record)); };
  pairs.run = [&](bool of_candidate) -> std::optional<Values> {
    const Build& build = of_candidate ? candidate : baseline;
    Values values = time_controls(folder);
    const std::string place = fresh(folder + "/run");
    std::optional<BackfillRun> ran = run_backfill(build, plan_.job, corpus, place, interrupted_);
    if (!ran) return std::nullopt;
    values.merge(ran->values);
    if (const auto exported = export_of(build, ran->store, place, true))
      add_latencies(read_export(*exported, {}), values);
    return values;
  };
  // Programs and documents are in memory then.
  progress_("warming up");
  if (pairs.run(false) && pairs.run(true)) penstock::run_pairs(pairs, record);
}

GateRecord GateRun::run_micro() {
  const auto began = std::chrono::steady_clock::now();
  const RunFolder folder("penstock-gate-", false);
  GateRecord record = begin();
  run_benchmarks(
      plan_, folder.path(), decided_, interrupted_, [&] { progress_(pair_under_way(record)); },
      record);
  return end(std::move(record), began);
}

GateRecord GateRun::begin() const {
  GateRecord record;
  record.command = plan_.command;
  record.seed = plan_.seed;
  record.pairs_max = plan_.pairs_max;
  record.accepts_content = plan_.accepts_content;
  record.environment = environment_of_run(plan_.version);
  return record;
}

GateRecord GateRun::end(GateRecord record, std::chrono::steady_clock::time_point began) const {
  if (interrupted_) record.interrupted = "interrupted";
  record.took = std::chrono::steady_clock::now() - began;
  return record;
}

}  // namespace penstock
