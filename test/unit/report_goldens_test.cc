// Reports as they are read. Each golden is of one run of test/support/run_records.h.
#include <algorithm>
#include <sstream>

#include "engine/http/json.h"
#include "engine/http/xml.h"
#include "reports/writers.h"
#include "test/support/catch.h"
#include "test/support/golden.h"
#include "test/support/run_records.h"

namespace penstock {
namespace {

struct Shape {
  const char* name;
  RunRecord (*make)();
};

constexpr Shape shapes[] = {{"pass", passing_run},
                            {"fail", failing_run},
                            {"invalid", invalid_run},
                            {"inconclusive", inconclusive_run},
                            {"sweep", sweep_run}};

TEST_CASE("reports: every format of every verdict is as it was agreed") {
  for (const Shape& shape : shapes) {
    const CapacityReport report = conclude(shape.make(), mission_targets());
    check_golden("reports/" + std::string(shape.name) + ".txt", terminal_report(report, false));
    check_golden("reports/" + std::string(shape.name) + ".json", json_report(report));
    check_golden("reports/" + std::string(shape.name) + ".xml", junit_report(report));
    check_golden("reports/" + std::string(shape.name) + ".md", markdown_report(report));
  }
}

TEST_CASE("reports: documents and samples are a line each") {
  const RunRecord run = inconclusive_run();
  std::ostringstream arrivals, samples;
  write_arrivals(run, arrivals);
  write_samples(run, samples);
  check_golden("reports/arrivals.csv", arrivals.str());
  check_golden("reports/samples.csv", samples.str());
}

TEST_CASE("reports: a terminal of 100 columns has the verdict first and no line too long") {
  for (const Shape& shape : shapes) {
    std::istringstream lines(terminal_report(conclude(shape.make(), mission_targets()), false));
    std::string line;
    std::getline(lines, line);
    std::string word = shape.name;
    if (word == "sweep") word = "inconclusive";
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::toupper(c); });
    CHECK(line.substr(0, word.size() + 1) == word + " ");
    do {
      INFO(line);
      CHECK(width_of(line) <= 100);
    } while (std::getline(lines, line) && line.substr(0, 6) != "Again:");
  }
}

TEST_CASE("reports: colours are of the verdicts and change no other byte") {
  const CapacityReport report = conclude(failing_run(), mission_targets());
  const std::string coloured = terminal_report(report, true);
  CHECK(coloured.substr(0, 15) == "\x1b[1;31mFAIL\x1b[0m");
  CHECK(without_colours(coloured) == terminal_report(report, false));
}

TEST_CASE("reports: what others wrote is no markup and no command") {
  const CapacityReport report = conclude(hostile_run(), mission_targets());
  CHECK(terminal_report(report, true).find("\x1b[2J") == std::string::npos);
  CHECK(markdown_report(report).find("<b>") == markdown_report(report).find("    <b>") + 4);
  CHECK(markdown_report(report).find('\x1b') == std::string::npos);
  CHECK(Json::parse(json_report(report))["findings"][0].get<std::string>().substr(0, 4) == "<b>&");
  const auto xml = parse_xml(junit_report(report));
  REQUIRE(xml.has_value());
  CHECK(xml->name == "testsuites");
  std::ostringstream arrivals;
  write_arrivals(report.run, arrivals);
  CHECK_THAT(arrivals.str(), ContainsSubstring("\"<b>&\"\"'|`*]]>\n\x1b[2J\xFF,\"\"\""));
}

TEST_CASE("reports: a run of nothing has a report in every format") {
  const CapacityReport report = conclude(RunRecord{}, mission_targets());
  CHECK(report.verdict == Verdict::invalid);
  CHECK_THAT(terminal_report(report, false), ContainsSubstring("INVALID"));
  CHECK(Json::parse(json_report(report))["verdict"] == "invalid");
  CHECK(parse_xml(junit_report(report)).has_value());
  CHECK_THAT(markdown_report(report), ContainsSubstring("invalid"));
}

}  // namespace
}  // namespace penstock
