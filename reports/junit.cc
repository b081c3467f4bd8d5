#include <fmt/format.h>

#include "reports/junit_suite.h"
#include "reports/measured.h"
#include "reports/writers.h"

namespace penstock {
namespace {

Fate fate_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return Fate::passed;
    case Verdict::fail:
      return Fate::failure;
    // Neither passed nor failed. What made the run invalid is an error of its own.
    case Verdict::inconclusive:
    case Verdict::invalid:
      break;
  }
  return Fate::skipped;
}

std::vector<TestCase> cases_of(const std::vector<TargetResult>& targets) {
  std::vector<TestCase> cases;
  for (const TargetResult& result : targets) {
    const std::string reason = result.verdict == Verdict::invalid ? "not judged: " : "";
    cases.push_back({result.target.name, fate_of(result.verdict), reason + result.sentence});
  }
  return cases;
}

std::vector<TestCase> cases_of(const std::vector<Check>& checks) {
  std::vector<TestCase> cases;
  for (const Check& check : checks) {
    const Fate broken = check.is_failure ? Fate::failure : Fate::error;
    cases.push_back({check.name, check.holds ? Fate::passed : broken,
                     check.holds ? check.value
                                 : fmt::format("{} (limit: {}): {}", check.value, check.limit,
                                               check.sentence)});
  }
  return cases;
}

TestSuite suite(const CapacityReport& report, const std::string& subject,
                std::vector<TestCase> cases) {
  return {.name = fmt::format("capacity.{}.{}", report.run.profile_name, subject),
          .time_s = in_seconds(report.run.ended),
          .started = report.run.environment.started,
          .properties = {{"command", report.run.command},
                         {"seed", std::to_string(report.run.seed)},
                         {"verdict", std::string(name_of(report.verdict))},
                         {"bound_by", report.bound_by}},
          .cases = std::move(cases)};
}

}  // namespace

std::string junit_report(const CapacityReport& report) {
  return junit_xml({suite(report, "targets", cases_of(report.targets)),
                    suite(report, "validity", cases_of(report.checks))});
}

}  // namespace penstock
