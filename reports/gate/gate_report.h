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
enum class Outcome { regression, improvement, no_change, inconclusive, unproven };

constexpr std::string_view name_of(Outcome outcome) {
  constexpr std::string_view names[] = {"regression", "improvement", "no change", "inconclusive",
                                        "unproven"};
  return names[static_cast<std::size_t>(outcome)];
}

struct MetricResult {
  GateMetric metric;
  // Of a control: no_change, or regression where it moved, whichever way.
  Outcome outcome = Outcome::inconclusive;
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
  Outcome outcome = Outcome::no_change;
  bool is_accepted = false;  // would be a regression, had it not been meant
  std::string baseline;      // empty: it is of both
  std::string candidate;
  std::string limit;     // "at most 1 in 100,000 words"
  std::string sentence;  // why it matters; empty: nothing differs
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
};

}  // namespace penstock
