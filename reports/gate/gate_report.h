// What is concluded of a gate: the one model that every writer shows. Made by decide(); a writer
// computes nothing but layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/gate/gate_record.h"

namespace penstock {

// invalid: the machine was not the same for both builds. inconclusive: too few pairs.
enum class GateVerdict { pass, regression, inconclusive, invalid };

constexpr std::string_view name_of(GateVerdict verdict) {
  constexpr std::string_view names[] = {"pass", "regression", "inconclusive", "invalid"};
  return names[static_cast<std::size_t>(verdict)];
}

// Of one figure. unproven: it would be something, but a control moved, too.
enum class GateOutcome { regression, improvement, no_change, inconclusive, unproven };

constexpr std::string_view name_of(GateOutcome outcome) {
  constexpr std::string_view names[] = {"regression", "improvement", "no change", "inconclusive",
                                        "unproven"};
  return names[static_cast<std::size_t>(outcome)];
}

struct MetricResult {
  GateMetric metric;
  // Of a control: no_change, or regression where it moved, whichever way.
  GateOutcome outcome = GateOutcome::inconclusive;
  std::uint32_t pairs = 0;  // that it is concluded from; 0 of exact ones
  // Of all pairs the medians; of exact ones the counts. Absent: not measured.
  std::optional<double> baseline;
  std::optional<double> candidate;
  // Parts of the baseline: -0.058 is 5.8% less. Each end holds at 99%; absent of exact ones, and of
  // too few pairs.
  std::optional<double> change;
  std::optional<double> low;
  std::optional<double> high;
  double chance = 1;             // of a change as far to the worse, were there none
  std::uint64_t more_pairs = 0;  // of an inconclusive one, about, until it is not
  std::string sentence;          // "-5.8% (-7.1% to -4.4%), limit 3%"
};

// What the builds made of the documents, a line for each thing that is compared.
struct ContentResult {
  std::string name;  // "words lost"
  GateOutcome outcome = GateOutcome::no_change;
  bool is_accepted = false;  // would be a regression, had it not been meant
  std::string baseline;      // empty: it is of both
  std::string candidate;
  std::string limit;     // "at most 1 in 100,000 words"
  std::string sentence;  // why it matters; empty: nothing differs
};

// A line of the history: what a gate leaves for those after it.
struct PastMetric {
  double baseline = 0;  // medians, or counts
  double candidate = 0;
  double floor = 0;
};
struct PastGate {
  std::string date;  // as it was started
  std::string job;
  std::string machine;  // figures of another one are not compared
  GateBuild baseline;   // without paths
  GateBuild candidate;
  bool is_same_build = false;
  std::string verdict;
  std::uint32_t pairs = 0;
  std::map<std::string, PastMetric> metrics;
};

// Where a figure of the candidates moved for good. It warns, and decides nothing.
struct ChangePoint {
  std::string metric;
  double change = 0;       // of the median before
  double chance = 1;       // of as clear a step in as many gates, were there none
  std::size_t before = 0;  // gates
  std::size_t after = 0;
  std::string last_before;  // builds, "1.4.0 (3fa9c1d2)"
  std::string first_after;
  std::string sentence;
};

struct GateHistory {
  std::vector<PastGate> gates;  // of the same job and machine, the oldest first, this one the last
  std::vector<ChangePoint> changes;
  // Of gates of the same build twice, on any machine. Each end of the interval holds at 99%.
  std::uint64_t same_builds = 0;
  std::uint64_t false_alarms = 0;
  double rate_low = 0;
  double rate_high = 1;
};

struct GateReport {
  GateRecord record;
  GateVerdict verdict = GateVerdict::inconclusive;
  std::string sentence;                // the verdict, in one line
  bool is_same_build = false;          // A/A: whatever it finds is a false alarm
  std::vector<MetricResult> metrics;   // as in the record, controls among them
  std::vector<ContentResult> content;  // empty: content was not compared
  // A line each, with the stages behind it: "documents per second -5.8% (-7.1% to -4.4%), limit 3%:
  // extract +6.1% instructions, +5.9% CPU".
  std::vector<std::string> regressions;
  // Of whoever keeps one; empty: nobody does.
  GateHistory history;
};

}  // namespace penstock
