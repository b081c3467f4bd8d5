#include <fmt/format.h>

#include <algorithm>

#include "engine/http/json.h"
#include "engine/http/xml.h"
#include "reports/format.h"
#include "reports/measured.h"
#include "reports/writers.h"

namespace penstock {
namespace {

// On a line, and as XML takes it: UTF-8 without control characters.
std::string attribute(const std::string& text) {
  return xml_escaped(printable(Json::parse(json_text(Json(text))).get<std::string>()));
}

enum class Fate { passed, failure, error, skipped };

struct TestCase {
  std::string name;
  Fate fate = Fate::passed;
  std::string message;
};

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

std::string case_xml(const std::string& class_name, const TestCase& test) {
  const std::string head =
      fmt::format("    <testcase classname=\"{}\" name=\"{}\"", class_name, attribute(test.name));
  const std::string message = attribute(test.message);
  switch (test.fate) {
    case Fate::passed:
      return fmt::format("{}>\n      <system-out>{}</system-out>\n    </testcase>\n", head,
                         message);
    case Fate::failure:
      return fmt::format("{}>\n      <failure message=\"{}\"/>\n    </testcase>\n", head, message);
    case Fate::error:
      return fmt::format("{}>\n      <error message=\"{}\"/>\n    </testcase>\n", head, message);
    case Fate::skipped:
      break;
  }
  return fmt::format("{}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", head, message);
}

std::string suite_xml(const CapacityReport& report, const std::string& subject,
                      const std::vector<TestCase>& cases) {
  const auto count = [&](Fate fate) {
    return std::count_if(cases.begin(), cases.end(),
                         [&](const TestCase& test) { return test.fate == fate; });
  };
  const std::string name =
      attribute(fmt::format("capacity.{}.{}", report.run.profile_name, subject));
  std::string xml = fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
      "time=\"{:.3f}\" timestamp=\"{}\">\n    <properties>\n",
      name, cases.size(), count(Fate::failure), count(Fate::error), count(Fate::skipped),
      in_seconds(report.run.ended), attribute(report.run.environment.started));
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>{"command", report.run.command},
        {"seed", std::to_string(report.run.seed)},
        {"verdict", std::string(name_of(report.verdict))},
        {"bound_by", report.bound_by}})
    xml += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", key, attribute(value));
  xml += "    </properties>\n";
  for (const TestCase& test : cases) xml += case_xml(name, test);
  return xml + "  </testsuite>\n";
}

}  // namespace

std::string junit_report(const CapacityReport& report) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n" +
         suite_xml(report, "targets", cases_of(report.targets)) +
         suite_xml(report, "validity", cases_of(report.checks)) + "</testsuites>\n";
}

}  // namespace penstock
