// A gate's reports as they are read. Each golden is of one gate of test/support/gate_records.h.
#include <algorithm>
#include <sstream>

#include "engine/http/json.h"
#include "engine/http/xml.h"
#include "reports/gate/decide.h"
#include "reports/gate/writers.h"
#include "test/support/catch.h"
#include "test/support/gate_records.h"
#include "test/support/golden.h"

namespace penstock {
namespace {

struct Shape {
  std::string name;
  GateReport report;
};

std::vector<Shape> shapes() {
  return {{"pass", decide(passing_gate())},
          {"slower", with_history(slower_gate())},
          {"lossy", decide(lossy_gate())},
          {"accepted", decide(accepted_gate())},
          {"moved", decide(moved_gate())},
          {"inconclusive", decide(inconclusive_gate())},
          {"same-build", with_history(same_build_gate())}};
}

TEST_CASE("gate report: every format of every verdict is as it was agreed") {
  for (const auto& [name, report] : shapes()) {
    check_golden("gate/" + name + ".txt", terminal_report(report, false));
    check_golden("gate/" + name + ".json", json_report(report));
    check_golden("gate/" + name + ".xml", junit_report(report));
    check_golden("gate/" + name + ".md", markdown_report(report));
  }
}

TEST_CASE("gate report: the page of a gate is as it was agreed") {
  check_golden("gate/lossy.html", without_style(html_report(decide(lossy_gate()))));
}

TEST_CASE("gate report: a terminal of 100 columns has the verdict first and no line too long") {
  std::vector<Shape> all = shapes();
  all.push_back({"micro", decide(micro_gate())});
  all.push_back({"hostile", with_history(hostile_gate())});
  for (const auto& [name, report] : all) {
    std::istringstream lines(terminal_report(report, false));
    std::string line;
    std::getline(lines, line);
    std::string word(name_of(report.verdict));
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::toupper(c); });
    CHECK(line.substr(0, word.size() + 2) == word + "  ");
    do {
      INFO(name << ": " << line);
      CHECK(width_of(line) <= 100);
    } while (std::getline(lines, line) && line.substr(0, 6) != "Again:");
  }
}

TEST_CASE("gate report: colours are of verdicts and change no other byte") {
  for (const auto& [name, report] : shapes()) {
    const std::string coloured = terminal_report(report, true);
    CHECK(coloured.starts_with("\x1b[1;3"));
    INFO(name);
    CHECK(without_colours(coloured) == terminal_report(report, false));
  }
}

TEST_CASE("gate report: JUnit has the failures that the verdict is of") {
  const auto counted = [](const GateReport& report, const std::string& element) {
    const std::string xml = junit_report(report);
    REQUIRE(parse_xml(xml).has_value());
    std::size_t count = 0;
    for (std::size_t at = xml.find('<' + element); at != std::string::npos;
         at = xml.find('<' + element, at + 1))
      ++count;
    return count;
  };
  CHECK(counted(decide(passing_gate()), "failure") == 0);
  CHECK(counted(decide(slower_gate()), "failure") == 5);
  CHECK(counted(decide(lossy_gate()), "failure") == 4);
  CHECK(counted(decide(moved_gate()), "failure") == 0);
  CHECK(counted(decide(moved_gate()), "error ") == 1);
  CHECK(counted(decide(moved_gate()), "skipped") == 7);
  CHECK(counted(decide(inconclusive_gate()), "skipped") == 5);
  GateRecord interrupted = passing_gate();
  interrupted.interrupted = "interrupted";
  CHECK(counted(decide(interrupted), "error ") == 1);
}

TEST_CASE("gate report: what others wrote is no markup and no command") {
  const GateReport report = with_history(hostile_gate());
  CHECK(terminal_report(report, true).find("\x1b[2J") == std::string::npos);
  const std::string markdown = markdown_report(report);
  // Of the command alone, which an indented block keeps.
  CHECK(markdown.find("<b>") == markdown.find("    <b>") + 4);
  CHECK(markdown.find('\x1b') == std::string::npos);
  CHECK(Json::parse(json_report(report))["missing"][0].get<std::string>().substr(0, 4) == "<b>&");
  CHECK(parse_xml(junit_report(report)).has_value());
  const std::string page = html_report(report);
  CHECK(page.find("<b>&") == std::string::npos);
  CHECK(page.find('\x1b') == std::string::npos);
}

TEST_CASE("gate report: every section of the page says something of a gate of nothing") {
  const std::string page = html_report(decide(GateRecord{}));
  for (const char* id :
       {"figures", "content", "controls", "pairs", "missing", "history", "configuration"}) {
    INFO(id);
    const std::size_t begin = page.find("<section id=\"" + std::string(id));
    REQUIRE(begin != std::string::npos);
    const std::string section = page.substr(begin, page.find("</section>", begin) - begin);
    CHECK((section.find("class=\"nothing\"") != std::string::npos ||
           section.find("<dd") != std::string::npos));
  }
  CHECK_THAT(terminal_report(decide(GateRecord{}), false),
             ContainsSubstring("nothing was compared"));
  CHECK(Json::parse(json_report(decide(GateRecord{})))["verdict"] == "inconclusive");
  CHECK_THAT(markdown_report(decide(GateRecord{})), ContainsSubstring("nothing was compared"));
}

TEST_CASE("gate report: the page asks nobody and runs nothing and is no larger than 2 MB") {
  GateRecord record = micro_gate();
  for (int i = 0; i < 300; ++i) {
    GateMetric metric = record.metrics.front();
    metric.name += std::to_string(i);
    for (GatePair& pair : record.pairs) {
      pair.baseline[metric.name] = 1'000 + i;
      pair.candidate[metric.name] = 1'001 + i;
    }
    record.metrics.push_back(metric);
  }
  record.missing.assign(50, std::string(100'000, '<'));
  record.content.baseline.documents = 1;
  record.content.differences.assign(20, {std::string(100'000, '&'), std::string(100'000, '"')});
  const std::string page = html_report(with_history(record));
  CHECK(page.size() < 2'000'000);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("http://") == std::string::npos);
  CHECK(page.find("https://") == std::string::npos);
  CHECK_THAT(page, ContainsSubstring("default-src 'none'"));
}

}  // namespace
}  // namespace penstock
