#include "cli/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/json.h"
#include "cli/quota_view.h"
#include "reports/format.h"

namespace penstock {
namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string stage_shares(const StageTimes& times) {
  double total = 0;
  std::vector<std::pair<double, std::string_view>> shares;
  for (const Stage stage : all_stages) {
    total += seconds(times.of(stage).busy);
    shares.emplace_back(seconds(times.of(stage).busy), name_of(stage));
  }
  if (total == 0) return {};
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (const auto& [busy, name] : shares) {
    const double percent = 100 * busy / total;
    if (percent < 0.1) break;
    text += fmt::format("{}{} {:.1f}%", text.empty() ? "" : ", ", name, percent);
  }
  return text;
}

void print_embedding(const RunSummary& summary) {
  const ThrottleTotals& totals = summary.quota->totals;
  std::string line = fmt::format("  embedded {} tokens in {}", with_commas(totals.tokens_used),
                                 counted(totals.requests, "request"));
  if (summary.counts.cached_tokens > 0)
    line += fmt::format("; {} tokens were in the cache", with_commas(summary.counts.cached_tokens));
  if (totals.failures > 0) line += fmt::format("; {}", counted(totals.failures, "failure"));
  if (totals.rate_limited > 0)
    line += fmt::format("; {}", counted(totals.rate_limited, "quota refusal"));
  if (const std::optional<double> cost = summary.cost())
    line += fmt::format("; cost {}", human_cost(*cost));
  fmt::print("{}\n", line);
}

void print_text(const RunSummary& summary, const std::string& store) {
  const RunCounts& counts = summary.counts;
  const double wall = summary.wall.count();
  const std::uint64_t worked = counts.seen - counts.unchanged;
  std::string head = fmt::format("{}: {} in {}",
                                 summary.interrupted        ? "Interrupted"
                                 : summary.drained          ? "Drained"
                                 : !summary.stopped.empty() ? "Stopped"
                                 : summary.dry_run          ? "Measured"
                                                            : "Finished",
                                 counted(counts.seen, "document"), human_time(summary.wall));
  if (worked > 0)
    head += fmt::format(
        ", {} pages/s",
        with_commas(static_cast<std::uint64_t>(static_cast<double>(counts.pages) / wall)));
  if (counts.unchanged > 0) head += fmt::format("; {} unchanged", with_commas(counts.unchanged));
  if (counts.removed > 0) head += fmt::format("; {} removed", with_commas(counts.removed));
  if (summary.pruned > 0) head += fmt::format("; {} pruned", with_commas(summary.pruned));
  fmt::print("{}\n\n", head);

  for (const Outcome outcome : all_outcomes) {
    if (counts.of(outcome) == 0) continue;
    fmt::print(
        "  {:<13} {:>9}  {}\n", name_of(outcome), with_commas(counts.of(outcome)),
        summary.dry_run && outcome == Outcome::done ? "would be searchable" : describe(outcome));
  }
  if (worked > 0) {
    fmt::print("\n  {} read, {}, {}, {} tokens\n", human_bytes(counts.bytes),
               counted(counts.pages, "page"), counted(counts.chunks, "chunk"),
               with_commas(counts.tokens));
    if (summary.quota && !summary.dry_run) print_embedding(summary);
    fmt::print("  work: {}\n", stage_shares(counts.stages));
    fmt::print("  CPU: {} extraction, {} everything else\n", human_time(summary.cpu_extraction),
               human_time(summary.cpu_engine));
  }
  if (counts.warned > 0 && !summary.dry_run)
    fmt::print("\n  penstock status --warnings {}   says what {} {}\n", store,
               counted(counts.warned, "document"), counts.warned == 1 ? "lacks" : "lack");
  if (counts.failed > 0 && !summary.dry_run)
    fmt::print("\n  penstock status --failed {}   says which failed\n", store);
  if (!summary.stopped.empty()) fmt::print("\n  {}.\n", summary.stopped);
  if (summary.interrupted || !summary.stopped.empty())
    fmt::print("\n  Nothing is lost: run the same command again to go on.\n");
  std::fflush(stdout);
}

void print_json(const RunSummary& summary) {
  const RunCounts& counts = summary.counts;
  Json documents = Json::object();
  for (const Outcome outcome : all_outcomes)
    documents[std::string(name_of(outcome))] = counts.of(outcome);
  Json stages = Json::object();
  for (const Stage stage : all_stages)
    stages[std::string(name_of(stage))] = {{"busy_s", seconds(counts.stages.of(stage).busy)},
                                           {"waited_s", seconds(counts.stages.of(stage).waited)}};
  Json line = {
      {"event", "summary"},
      {"seen", counts.seen},
      {"documents", documents},
      {"failed", counts.failed},
      {"warned", counts.warned},
      {"unchanged", counts.unchanged},
      {"duplicates", counts.duplicates},
      {"removed", counts.removed},
      {"pruned", summary.pruned},
      {"bytes", counts.bytes},
      {"pages", counts.pages},
      {"chunks", counts.chunks},
      {"tokens", counts.tokens},
      {"seconds", summary.wall.count()},
      {"pages_per_second",
       summary.wall.count() > 0 ? static_cast<double>(counts.pages) / summary.wall.count() : 0.0},
      {"cpu_engine_s", summary.cpu_engine.count()},
      {"cpu_extraction_s", summary.cpu_extraction.count()},
      {"stages", stages},
      {"dry_run", summary.dry_run},
      {"interrupted", summary.interrupted},
      {"drained", summary.drained},
      {"exit_code", static_cast<int>(summary.exit_code())}};
  if (!summary.stopped.empty()) line["stopped"] = summary.stopped;
  if (summary.quota) {
    line["cached_tokens"] = counts.cached_tokens;
    line["embedded_tokens"] = summary.quota->totals.tokens_used;
    line["requests"] = summary.quota->totals.requests;
    line["quota"] = quota_json(*summary.quota);
  }
  if (const std::optional<double> cost = summary.cost()) line["cost"] = *cost;
  print_json_line(line);
}

}  // namespace

void print_summary(const RunSummary& summary, const std::string& store, bool json) {
  if (json) {
    print_json(summary);
  } else {
    print_text(summary, store);
  }
}

}  // namespace penstock
