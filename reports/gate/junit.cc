#include <fmt/format.h>

#include "reports/gate/sentences.h"
#include "reports/gate/writers.h"
#include "reports/junit_suite.h"

namespace penstock {
namespace {

TestCase case_of(const MetricResult& result) {
  TestCase test{.name = label_of(result.metric), .fate = Fate::passed, .message = result.sentence};
  switch (result.outcome) {
    case GateOutcome::regression:
      test.fate = result.metric.is_control ? Fate::error : Fate::failure;
      break;
    case GateOutcome::inconclusive:
    case GateOutcome::unproven:
      test.fate = Fate::skipped;
      break;
    case GateOutcome::improvement:
    case GateOutcome::no_change:
      break;
  }
  return test;
}

TestCase case_of(const ContentResult& result) {
  if (result.outcome == GateOutcome::regression)
    return {.name = result.name,
            .fate = Fate::failure,
            .message = fmt::format("{} (limit: {})", result.sentence, result.limit)};
  std::string message = result.sentence.empty() ? "the same" : result.sentence;
  if (result.is_accepted) message += "; accepted";
  return {.name = result.name, .fate = Fate::passed, .message = std::move(message)};
}

}  // namespace

std::string junit_report(const GateReport& report) {
  const GateRecord& record = report.record;
  std::vector<TestCase> figures, controls, content;
  for (const MetricResult& result : report.metrics)
    (result.metric.is_control ? controls : figures).push_back(case_of(result));
  for (const ContentResult& result : report.content) content.push_back(case_of(result));
  // A verdict that no test case shows.
  if (!record.interrupted.empty())
    controls.push_back({.name = "ran to its end", .fate = Fate::error, .message = report.sentence});
  const auto suite = [&](const std::string& subject, std::vector<TestCase> cases) {
    return TestSuite{.name = "gate." + subject,
                     .time_s = record.took.count(),
                     .started = record.environment.started,
                     .properties = {{"command", record.command},
                                    {"seed", std::to_string(record.seed)},
                                    {"verdict", std::string(name_of(report.verdict))},
                                    {"baseline", build_text(record.baseline)},
                                    {"candidate", build_text(record.candidate)}},
                     .cases = std::move(cases)};
  };
  return junit_xml({suite("figures", std::move(figures)), suite("content", std::move(content)),
                    suite("controls", std::move(controls))});
}

}  // namespace penstock
