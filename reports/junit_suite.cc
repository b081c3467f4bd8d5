#include "reports/junit_suite.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/http/json.h"
#include "engine/http/xml.h"
#include "reports/format.h"

namespace penstock {
namespace {

// On a line, and as XML takes it: UTF-8 without control characters.
std::string attribute(const std::string& text) {
  return xml_escaped(printable(Json::parse(json_text(Json(text))).get<std::string>()));
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

std::string suite_xml(const TestSuite& suite) {
  const auto count = [&](Fate fate) {
    return std::ranges::count(suite.cases, fate, &TestCase::fate);
  };
  const std::string name = attribute(suite.name);
  std::string xml = fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
      "time=\"{:.3f}\" timestamp=\"{}\">\n    <properties>\n",
      name, suite.cases.size(), count(Fate::failure), count(Fate::error), count(Fate::skipped),
      suite.time_s, attribute(suite.started));
  for (const auto& [key, value] : suite.properties)
    xml += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", key, attribute(value));
  xml += "    </properties>\n";
  for (const TestCase& test : suite.cases) xml += case_xml(name, test);
  return xml + "  </testsuite>\n";
}

}  // namespace

std::string junit_xml(const std::vector<TestSuite>& suites) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const TestSuite& suite : suites) xml += suite_xml(suite);
  return xml + "</testsuites>\n";
}

}  // namespace penstock
