#include "test/support/gate_records.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "engine/core/random.h"
#include "reports/gate/decide.h"
#include "reports/gate/history.h"
#include "test/support/simulated_gate.h"

namespace penstock {
namespace {

// Four digits: what mathematical libraries make of the others differs.
void round_values(GateRecord& record) {
  const auto round = [](Values& values) {
    for (auto& [name, value] : values)
      value = std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr);
  };
  for (GatePair& pair : record.pairs) {
    round(pair.baseline);
    round(pair.candidate);
  }
}

constexpr const char* stages[] = {"extract", "chunk", "pack", "store"};

GateRecord gate_of(GateShape shape) {
  GateRecord record = simulated_gate(shape);
  round_values(record);
  record.command = fmt::format(
      "penstock gate --baseline build/old/penstock --candidate build/new/penstock "
      "--seed {}",
      shape.seed);
  record.job = "backfill of 300 made PDFs, 412 MB, with lexical:";
  record.environment = {.machine = "Example CPU",
                        .cores = 2,
                        .memory_bytes = 8'000'000'000,
                        .system = "Linux 6.1",
                        .version = "1.5.0",
                        .build = "RelWithDebInfo",
                        .started = "2026-11-28T02:00:00Z",
                        .load_before = 0.04};
  record.baseline = {"build/old/penstock", "1.4.0", "3fa9c1d2" + std::string(56, '0')};
  record.candidate = {"build/new/penstock", "1.5.0", "77aa01b2" + std::string(56, '0')};
  record.took = std::chrono::seconds(30 * record.pairs.size());
  for (const char* stage : stages) {
    const std::string name = fmt::format("instructions {}", stage);
    record.metrics.push_back({.name = name, .stage = stage, .floor = 0.01, .is_exact = true});
    record.baseline_counts[name] = stage == stages[0] ? 21'402'117'331 : 512'004'118;
    record.candidate_counts[name] = record.baseline_counts[name] * 1.0004;
  }
  record.content.baseline = {.documents = 300,
                             .done = 297,
                             .pages = 2'904,
                             .words = 1'203'441,
                             .chunks = 4'127,
                             .chunks_twice = 0,
                             .tokens = 1'604'118};
  record.content.candidate = record.content.baseline;
  record.content.searches = 50;
  return record;
}

}  // namespace

GateRecord passing_gate() {
  GateRecord record = gate_of({.machine = {.noise = 0.02}, .slowdown = -0.1, .seed = 11});
  record.candidate_counts["instructions extract"] *= 0.88;
  return record;
}

GateRecord slower_gate() {
  GateRecord record = gate_of({.machine = {.noise = 0.02}, .slowdown = 0.06, .seed = 12});
  record.candidate_counts["instructions extract"] *= 1.061;
  return record;
}

GateRecord lossy_gate() {
  GateRecord record = gate_of({.machine = {.noise = 0.01}, .seed = 13});
  GateContent& content = record.content;
  content.candidate.done -= 1;
  content.candidate.words -= 11'204;
  content.candidate.chunks -= 37;
  content.candidate.chunks_twice = 1;
  content.candidate.tokens -= 15'020;
  content.words_lost = 11'204;
  content.pages_with_loss = 29;
  content.documents_different = 30;
  content.searches_different = 4;
  content.differences = {
      {"reports/2021/annual-report-of-the-harbour-authority.pdf", "done, now corrupt"},
      {"letters/0017.pdf", "402 of 402 words lost on page 3"},
      {"letters/0101.pdf", "388 of 391 words lost on page 1"}};
  return record;
}

GateRecord accepted_gate() {
  GateRecord record = lossy_gate();
  record.content.candidate = record.content.baseline;
  record.content.candidate.words += 2'204;
  record.content.words_added = 13'408;
  record.accepts_content = true;
  return record;
}

GateRecord moved_gate() {
  GateRecord record = gate_of({.machine = {.noise = 0.01}, .slowdown = 0.05, .seed = 14});
  for (GatePair& pair : record.pairs) pair.candidate["calibration"] *= 1.05;
  round_values(record);
  return record;
}

GateRecord inconclusive_gate() {
  GateRecord record = gate_of({.machine = {.noise = 0.1}, .pairs_max = 16, .seed = 15});
  record.metrics.resize(record.metrics.size() - std::size(stages));
  record.baseline_counts.clear();
  record.candidate_counts.clear();
  record.missing = {"instructions: valgrind is not installed (package valgrind)"};
  return record;
}

GateRecord same_build_gate() {
  GateRecord record = gate_of({.machine = {.noise = 0.02}, .seed = 16});
  record.candidate = record.baseline;
  for (const char* stage : stages) {
    const std::string name = fmt::format("instructions {}", stage);
    record.candidate_counts[name] = record.baseline_counts[name];
  }
  return record;
}

GateRecord micro_gate() {
  GateRecord record;
  record.command = "penstock gate --micro old.json new.json";
  record.job = "microbenchmarks";
  record.pairs_max = 20;
  Random random(17);
  for (const char* stage : stages)
    for (int size = 1; size <= 1'000; size *= 10)
      record.metrics.push_back({.name = fmt::format("{}/made_documents_of_size/{}", stage, size),
                                .unit = "ns",
                                .stage = stage});
  for (int i = 0; i < 20; ++i) {
    GatePair& pair = record.pairs.emplace_back();
    for (const GateMetric& metric : record.metrics) {
      const auto noise = [&] { return 1 + 0.0001 * static_cast<double>(random.below(200)); };
      const bool is_slower = metric.name.starts_with("pack");
      pair.baseline[metric.name] = 1'000 * noise();
      pair.candidate[metric.name] = (is_slower ? 1'080 : 1'000) * noise();
    }
  }
  round_values(record);
  return record;
}

GateRecord hostile_gate() {
  GateRecord record = lossy_gate();
  const std::string markup = "<b>&\"'|`*]]>\n\x1b[2J\xFF";
  record.command = record.job = record.interrupted = markup;
  record.baseline = record.candidate = {markup, markup, markup};
  record.environment.machine = record.environment.system = record.environment.started = markup;
  record.missing = {markup};
  record.content.differences = {{markup, markup}};
  record.metrics.push_back({.name = markup, .unit = markup, .stage = markup, .is_exact = true});
  record.baseline_counts[markup] = 1;
  record.candidate_counts[markup] = 2;
  return record;
}

GateReport with_history(GateRecord record) {
  std::vector<PastGate> gates;
  GateReport report = decide(std::move(record));
  std::stringstream lines(history_line(report));
  const PastGate last = read_history(lines).at(0);
  Random random(18);
  for (int i = 0; i < 59; ++i) {
    PastGate& gate = gates.emplace_back(last);
    gate.date = fmt::format("2026-{:02}-{:02}T02:00:00Z", 10 + i / 30, 1 + i % 30);
    gate.candidate.version = fmt::format("1.4.{}", i / 3);
    gate.candidate.digest = fmt::format("{:08x}{:056}", 0x77aa00 + i / 3, 0);
    gate.is_same_build = i % 3 == 0;
    if (gate.is_same_build) gate.baseline = gate.candidate;
    gate.verdict = i == 33 ? "regression" : "pass";
    for (auto& [name, metric] : gate.metrics) {
      const double noise = 1 + 0.0004 * (static_cast<double>(random.below(100)) - 50);
      const bool is_cheaper = i < 40 && name == "cpu extract";
      metric.candidate = std::strtod(
          fmt::format("{:.4g}", metric.candidate * noise * (is_cheaper ? 0.96 : 1)).c_str(),
          nullptr);
    }
  }
  gates.push_back(last);
  report.history = look_back(gates);
  return report;
}

}  // namespace penstock
