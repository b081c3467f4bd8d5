// The page as it is written; test/browser sees it as a person does.
#include "reports/html/html_report.h"

#include <algorithm>
#include <cmath>

#include "reports/html/markup.h"
#include "reports/html/scale.h"
#include "reports/html/series.h"
#include "test/support/catch.h"
#include "test/support/golden.h"
#include "test/support/run_records.h"

namespace penstock {
namespace {

std::string page_of(RunRecord run) {
  return html_report(conclude(std::move(run), mission_targets()));
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

TEST_CASE("html report: the page of a short run is as it was agreed") {
  check_golden("reports/inconclusive.html", without_style(page_of(inconclusive_run())));
}

TEST_CASE("html report: what others wrote is no markup") {
  const std::string page = page_of(hostile_run());
  CHECK(page.find("<b>&") == std::string::npos);
  CHECK(page.find('\x1b') == std::string::npos);
  // The id and the message of a document, the profile and its name, the command, the system.
  CHECK(count_of(page, "&lt;b&gt;&amp;&quot;&#39;|`*]]&gt;") >= 8);
}

TEST_CASE("html report: a long text ends between characters") {
  CHECK(html::text("größer", 3) == "gr…");
  CHECK(html::text("größer", 4) == "grö…");
  CHECK(html::text("größer", 8) == "größer");
  CHECK(html::text("a<b>\n'\"", 100) == "a&lt;b&gt; &#39;&quot;");
  CHECK(html::lines("a\n<\r\nb") == "a\n&lt; \nb\n");
}

TEST_CASE("html report: a page has its verdict and its seed before all else") {
  const std::string page = page_of(failing_run());
  const std::size_t banner = page.find("<header"), end = page.find("</header>");
  REQUIRE(end != std::string::npos);
  const std::string head = page.substr(banner, end - banner);
  CHECK_THAT(head, ContainsSubstring("</span>fail</span>"));
  CHECK_THAT(head, ContainsSubstring("Again, with seed 7"));
  CHECK_THAT(head,
             ContainsSubstring("penstock capacity loadgen/profiles/slow-store.toml --seed 7"));
  CHECK(page.find("<table") > end);
}

TEST_CASE("html report: every section says something of a run of nothing") {
  const std::string page = page_of(RunRecord{});
  for (const char* id : {"targets", "validity", "stages", "timeline", "percentiles", "load", "size",
                         "resources", "errors", "slowest", "configuration"}) {
    INFO(id);
    const std::size_t begin = page.find("<section id=\"" + std::string(id));
    REQUIRE(begin != std::string::npos);
    const std::string section = page.substr(begin, page.find("</section>", begin) - begin);
    const bool says_something = section.find("class=\"nothing\"") != std::string::npos ||
                                section.find("<td") != std::string::npos ||
                                section.find("<li") != std::string::npos ||
                                section.find("<dd") != std::string::npos;
    CHECK(says_something);
  }
}

// A day with a sample a second, and texts without end wherever a text may be.
TEST_CASE("html report: no run makes the page larger than 2 MB") {
  RunRecord run = large_run();
  const Sample sample = run.samples.back();
  while (run.samples.size() < 86'400) {
    run.samples.push_back(sample);
    run.samples.back().at = std::chrono::seconds(run.samples.size());
  }
  const std::string endless(100'000, '<');
  run.profile_text = std::string(3'000'000, 'x');
  run.findings.assign(1'000, endless);
  run.content = {10, 1, endless};
  for (int i = 0; i < 5'000; ++i) {
    run.phases.push_back({endless, endless});
    run.phases.back().begin = run.phases.back().end = std::chrono::milliseconds(200 * i);
  }
  for (std::size_t i = 0; i < run.arrivals.size(); i += 500) {
    Arrival& arrival = run.arrivals[i];
    arrival.bytes = 1'000 * (i + 1);
    arrival.id = endless + std::to_string(i);
    arrival.ending = Ending::failed;
    arrival.done = *arrival.stored + std::chrono::milliseconds(i);
    arrival.message = std::to_string(i) + endless;
  }
  const std::string page = page_of(std::move(run));
  CHECK(page.size() < 2'000'000);
  CHECK_THAT(page, ContainsSubstring("The rest of the profile is left out."));
}

TEST_CASE("html report: moments lose no document and no peak") {
  const RunRecord run = passing_run();
  const std::vector<html::Moment> moments = html::moments(run);
  CHECK(moments.size() <= 360);
  double offered = 0, accepted = 0, done = 0;
  std::uint64_t in_flight = 0;
  for (const html::Moment& moment : moments) {
    const double length = moment.end_s - moment.begin_s;
    offered += moment.offered * length;
    accepted += moment.accepted * length;
    done += moment.done * length;
    in_flight = std::max(in_flight, moment.in_flight);
    CHECK(moment.waiting <= moment.in_flight);
  }
  CHECK(std::llround(offered) == 3'240);
  CHECK(std::llround(accepted) == 3'240);
  CHECK(std::llround(done) == 3'240);
  CHECK(in_flight > 800);  // of a burst of 1,000
}

TEST_CASE("html report: a moment of a short run holds what happens in it") {
  RunRecord run;
  run.phases.push_back({"steady"});
  run.arrivals.resize(2);
  for (Arrival& arrival : run.arrivals) {
    arrival.issued = arrival.accepted = std::chrono::milliseconds(1'100);
    arrival.started = std::chrono::milliseconds(1'150);
    arrival.done = std::chrono::milliseconds(1'200);
  }
  run.ended = std::chrono::seconds(12);
  const std::vector<html::Moment> moments = html::moments(run);
  REQUIRE(moments.size() == 12);
  CHECK(moments[0].offered == 2);
  CHECK(moments[1].done == 2);
  CHECK(moments[1].in_flight == 2);  // though none is at either end
  CHECK(moments[1].waiting == 2);
  CHECK(moments[2].in_flight == 0);
}

TEST_CASE("html report: many documents of one size are one dot that says so") {
  std::vector<Point> places(100, Point{0.5, 0.5});
  places.push_back({0.1, 0.9});
  const auto dots = html::thinned(places);
  CHECK(dots[0].size() == 1);
  CHECK(dots[1].empty());
  CHECK(dots[2].size() == 1);
}

TEST_CASE("html report: ticks are numbers that people count in") {
  const auto labels = [](const std::vector<html::Tick>& ticks) {
    std::string text;
    for (const html::Tick& tick : ticks) text += (text.empty() ? "" : ", ") + tick.label;
    return text;
  };
  using html::Scale;
  CHECK(labels(html::clock_ticks(Scale::linear(0, 3))) ==
        "0 s, 0.5 s, 1 s, 1.5 s, 2 s, 2.5 s, 3 s");
  CHECK(labels(html::clock_ticks(Scale::linear(0, 201))) ==
        "0:00, 0:30, 1:00, 1:30, 2:00, 2:30, 3:00");
  CHECK(labels(html::labelled(Scale::logarithmic(0.01, 2).ticks(4), html::latency_tick)) ==
        "10 ms, 20 ms, 50 ms, 0.1 s, 0.2 s, 0.5 s, 1 s, 2 s");
  CHECK(labels(html::labelled(Scale::linear(0, 1'700).ticks(4), html::amount_tick)) ==
        "0, 500, 1,000, 1,500");
}

}  // namespace
}  // namespace penstock
