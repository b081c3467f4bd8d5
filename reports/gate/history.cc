#include "reports/gate/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <istream>
#include <numeric>

#include "engine/core/random.h"
#include "reports/gate/paired_test.h"
#include "reports/gate/sentences.h"
#include "reports/json_parts.h"
#include "reports/statistics.h"

namespace penstock {
namespace {

constexpr int history_schema = 1;
constexpr std::size_t gates_max = 120;  // that are searched for a step: nobody looks farther back
constexpr std::size_t side_min = 3;     // gates on either side of a step: two are bad luck
constexpr int orders = 9'999;
// Of a metric's floor: a step that is less is left alone. Three of them are a regression that no
// gate saw.
constexpr double part_of_floor = 1.0 / 3;

Json build_json(const GateBuild& build) {
  return {{"version", build.version}, {"digest", build.digest}};
}

GateBuild build_of(const Json& json) {
  return {.path = {},
          .version = json.at("version").get<std::string>(),
          .digest = json.at("digest").get<std::string>()};
}

PastGate gate_of(const Json& json) {
  PastGate gate;
  gate.date = json.at("date").get<std::string>();
  gate.job = json.at("job").get<std::string>();
  gate.machine = json.at("machine").get<std::string>();
  gate.baseline = build_of(json.at("baseline"));
  gate.candidate = build_of(json.at("candidate"));
  gate.is_same_build = json.at("same_build").get<bool>();
  gate.verdict = json.at("verdict").get<std::string>();
  gate.pairs = json.at("pairs").get<std::uint32_t>();
  for (const auto& [name, metric] : json.at("metrics").items())
    gate.metrics[name] = {.baseline = metric.at("baseline").get<double>(),
                          .candidate = metric.at("candidate").get<double>(),
                          .floor = metric.at("floor").get<double>()};
  return gate;
}

// Sums of ranks before each split, as far from their mean as their spread allows; the farthest.
Step farthest(const std::vector<double>& ranks) {
  const auto count = static_cast<double>(ranks.size());
  Step step{.at = 0, .chance = -1};
  double sum = 0;
  for (std::size_t i = 1; i < ranks.size(); ++i) {
    sum += ranks[i - 1];
    if (i < side_min || ranks.size() - i < side_min) continue;
    const auto before = static_cast<double>(i);
    const double far = std::abs(sum - before * (count + 1) / 2) /
                       std::sqrt(before * (count - before) * (count + 1) / 12);
    if (far > step.chance) step = {.at = i, .chance = far};
  }
  return step;
}

std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  std::vector<double> ranks;
  ranks.reserve(values.size());
  for (const double value : values) {
    const auto same = std::ranges::equal_range(sorted, value);
    ranks.push_back(static_cast<double>(same.begin() - sorted.begin()) +
                    (static_cast<double>(same.size()) + 1) / 2);
  }
  return ranks;
}

std::optional<ChangePoint> change_of(const std::vector<const PastGate*>& gates,
                                     const std::string& name, double errors) {
  std::vector<const PastGate*> having;
  std::vector<double> values;
  for (const PastGate* gate : gates) {
    const auto found = gate->metrics.find(name);
    if (found == gate->metrics.end()) continue;
    having.push_back(gate);
    values.push_back(found->second.candidate);
  }
  const auto step = clearest_step(values);
  if (!step || step->chance > errors) return std::nullopt;
  const auto split = values.begin() + static_cast<std::ptrdiff_t>(step->at);
  const double before = median({values.begin(), split}), after = median({split, values.end()});
  if (before <= 0) return std::nullopt;
  ChangePoint point{.metric = name,
                    .change = after / before - 1,
                    .chance = step->chance,
                    .before = step->at,
                    .after = values.size() - step->at,
                    .last_before = build_text(having[step->at - 1]->candidate),
                    .first_after = build_text(having[step->at]->candidate),
                    .sentence = {}};
  if (std::abs(point.change) < part_of_floor * having.back()->metrics.at(name).floor)
    return std::nullopt;
  point.sentence = fmt::format("{} moved by {} between {} and {}, and stayed for {} gates",
                               label_of(GateMetric{.name = name}), percent_text(point.change),
                               point.last_before, point.first_after, point.after);
  return point;
}

bool is_alarm(const PastGate& gate) {
  return gate.verdict == name_of(GateVerdict::regression) ||
         gate.verdict == name_of(GateVerdict::invalid);
}

// The chance with which so few alarms, or fewer, would be as rare as an interval's end may err.
double rate_above(std::uint64_t alarms, std::uint64_t gates) {
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (chance_of_at_most(alarms, gates, middle) > 1 - confidence ? low : high) = middle;
  }
  return high;
}

}  // namespace

std::string history_line(const GateReport& report) {
  const GateRecord& record = report.record;
  Json metrics = Json::object();
  for (const MetricResult& result : report.metrics)
    if (result.baseline && result.candidate)
      metrics[result.metric.name] = {{"baseline", rounded(*result.baseline)},
                                     {"candidate", rounded(*result.candidate)},
                                     {"floor", rounded(result.metric.floor)}};
  return json_text({{"schema", history_schema},
                    {"date", record.environment.started},
                    {"job", record.job},
                    {"machine", fmt::format("{}, {} cores", record.environment.machine,
                                            record.environment.cores)},
                    {"baseline", build_json(record.baseline)},
                    {"candidate", build_json(record.candidate)},
                    {"same_build", report.is_same_build},
                    {"verdict", name_of(report.verdict)},
                    {"pairs", record.pairs.size()},
                    {"metrics", metrics}}) +
         '\n';
}

std::vector<PastGate> read_history(std::istream& lines) {
  std::vector<PastGate> gates;
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("schema", 0) != history_schema) continue;
    try {
      gates.push_back(gate_of(json));
    } catch (const Json::exception&) {
      // Not of this program: left out, as one that was broken off is.
    }
  }
  return gates;
}

std::optional<Step> clearest_step(const std::vector<double>& values) {
  if (values.size() < 2 * side_min) return std::nullopt;
  std::vector<double> ranks = ranks_of(values);
  const Step seen = farthest(ranks);
  Random random(1979);
  int as_far = 1;
  for (int i = 0; i < orders; ++i) {
    for (std::size_t j = ranks.size() - 1; j > 0; --j)
      std::swap(ranks[j], ranks[random.below(j + 1)]);
    // Sums in another order differ by their last digits.
    as_far += farthest(ranks).chance >= seen.chance - 1e-9 ? 1 : 0;
  }
  return Step{.at = seen.at, .chance = static_cast<double>(as_far) / (orders + 1)};
}

GateHistory look_back(const std::vector<PastGate>& gates) {
  GateHistory history;
  for (const PastGate& gate : gates) {
    history.same_builds += gate.is_same_build ? 1 : 0;
    history.false_alarms += gate.is_same_build && is_alarm(gate) ? 1 : 0;
    if (gate.job == gates.back().job && gate.machine == gates.back().machine)
      history.gates.push_back(gate);
  }
  if (history.same_builds > 0) {
    history.rate_high = rate_above(history.false_alarms, history.same_builds);
    // At least so many alarms is at most so many that are none.
    history.rate_low =
        1 - rate_above(history.same_builds - history.false_alarms, history.same_builds);
  }
  if (history.gates.size() > gates_max)
    history.gates.erase(history.gates.begin(), history.gates.end() - gates_max);
  // What an invalid gate measured is of the machine.
  std::vector<const PastGate*> valid;
  for (const PastGate& gate : history.gates)
    if (gate.verdict != name_of(GateVerdict::invalid)) valid.push_back(&gate);
  if (valid.empty()) return history;
  const auto& metrics = valid.back()->metrics;
  for (const auto& [name, metric] : metrics)
    if (auto change = change_of(valid, name, step_errors / static_cast<double>(metrics.size())))
      history.changes.push_back(std::move(*change));
  return history;
}

}  // namespace penstock
