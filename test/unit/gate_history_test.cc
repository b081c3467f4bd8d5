#include <algorithm>
#include <cmath>
#include <sstream>

#include "engine/core/random.h"
#include "reports/gate/decide.h"
#include "reports/gate/history.h"
#include "test/support/catch.h"
#include "test/support/gate_records.h"

namespace penstock {
namespace {

double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

// `instructions` of each gate; a floor of 1%.
std::vector<PastGate> gates_of(const std::vector<double>& instructions) {
  std::vector<PastGate> gates;
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    PastGate& gate = gates.emplace_back();
    gate.job = "job";
    gate.machine = "machine";
    gate.verdict = "pass";
    gate.candidate = {.path = {}, .version = "1." + std::to_string(i), .digest = "0123456789"};
    gate.metrics["instructions"] = {
        .baseline = instructions[0], .candidate = instructions[i], .floor = 0.01};
  }
  return gates;
}

TEST_CASE("gate history: what a line says is read again") {
  const GateReport report = decide(slower_gate());
  const std::string line = history_line(report);
  CHECK(std::ranges::count(line, '\n') == 1);
  std::istringstream lines(line +
                           "{\"schema\": 1, \"date\"\n\n[]\n{\"schema\": 2}\n{\"schema\":1}\n" +
                           line + line.substr(0, line.size() / 2));
  const std::vector<PastGate> gates = read_history(lines);
  REQUIRE(gates.size() == 2);
  const PastGate& gate = gates[1];
  CHECK(gate.date == "2026-11-28T02:00:00Z");
  CHECK(gate.job == report.record.job);
  CHECK(gate.machine == "Example CPU, 2 cores");
  CHECK(gate.baseline.version == "1.4.0");
  CHECK(gate.candidate.digest == report.record.candidate.digest);
  CHECK(gate.verdict == "regression");
  CHECK_FALSE(gate.is_same_build);
  CHECK(gate.pairs == 14);
  CHECK(gate.metrics.at("peak_memory").floor == 0.05);
  CHECK(gate.metrics.at("instructions extract").baseline == Approx(21'402'117'331.0));
}

TEST_CASE("gate history: a step is where the ranks differ the most") {
  const auto step = clearest_step({5, 4, 6, 5, 4, 6, 9, 8, 9, 10, 8});
  REQUIRE(step.has_value());
  CHECK(step->at == 6);
  CHECK(step->chance < 0.01);
  CHECK_FALSE(clearest_step({1, 2, 3, 4, 5}).has_value());
  CHECK(clearest_step(std::vector<double>(20, 7))->chance == 1);
  // 3 against 3: two of the 20 ways to divide six values are as far apart.
  CHECK(clearest_step({1, 2, 3, 4, 5, 6})->chance == Approx(0.1).margin(0.01));
}

TEST_CASE("gate history: series without a step seldom seem to have one") {
  Random random(3);
  int found = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<double> values;
    for (int j = 0; j < 20; ++j) values.push_back(uniform(random) + uniform(random));
    found += clearest_step(values)->chance <= 0.01 ? 1 : 0;
  }
  INFO("of 200 series " << found);
  CHECK(found <= 6);
}

TEST_CASE("gate history: a step between two builds is a warning that names them") {
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) values.push_back((i < 12 ? 1'000 : 1'006) + i % 3 * 0.1);
  const GateHistory history = look_back(gates_of(values));
  REQUIRE(history.changes.size() == 1);
  CHECK(history.changes[0].before == 12);
  CHECK(history.changes[0].after == 8);
  CHECK(history.changes[0].change == Approx(0.006).margin(0.0002));
  CHECK(history.changes[0].sentence ==
        "instructions moved by +0.6% between 1.11 (01234567) and 1.12 (01234567), and stayed for 8 "
        "gates");
}

TEST_CASE("gate history: a step that is a small part of the limit is no warning") {
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) values.push_back(i < 12 ? 1'000 : 1'002);
  CHECK(look_back(gates_of(values)).changes.empty());
}

TEST_CASE("gate history: one bad night is no step") {
  std::vector<double> values(20, 1'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<double>(i % 4);
  values[11] = 2'000;
  CHECK(look_back(gates_of(values)).changes.empty());
}

TEST_CASE("gate history: other jobs and machines and invalid gates are not compared") {
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) values.push_back(i < 12 ? 1'000 : 1'100);
  std::vector<PastGate> gates = gates_of(values);
  for (std::size_t i = 0; i < 12; ++i) gates[i].machine = "another";
  CHECK(look_back(gates).gates.size() == 8);
  CHECK(look_back(gates).changes.empty());
  gates = gates_of(values);
  for (std::size_t i = 0; i < 12; ++i) gates[i].verdict = "invalid";
  CHECK(look_back(gates).gates.size() == 20);
  CHECK(look_back(gates).changes.empty());
}

TEST_CASE("gate history: false alarms are counted of the same build twice") {
  std::vector<PastGate> gates = gates_of(std::vector<double>(120, 1'000));
  for (std::size_t i = 0; i < 100; ++i) gates[i].is_same_build = true;
  gates[110].verdict = "regression";
  GateHistory history = look_back(gates);
  CHECK(history.same_builds == 100);
  CHECK(history.false_alarms == 0);
  CHECK(history.rate_low == 0);
  // 0.955^100 is 0.01.
  CHECK(history.rate_high == Approx(1 - std::pow(0.01, 0.01)));
  gates[3].verdict = "regression";
  gates[4].verdict = "invalid";
  gates[5].verdict = "inconclusive";
  history = look_back(gates);
  CHECK(history.false_alarms == 2);
  CHECK(history.rate_low > 0.001);
  CHECK(history.rate_low < 0.02);
  CHECK(history.rate_high > 0.06);
  CHECK(look_back({}).rate_high == 1);
}

}  // namespace
}  // namespace penstock
