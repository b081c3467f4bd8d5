#include <algorithm>
#include <cmath>
#include <functional>

#include "reports/gate/decide.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

constexpr double small[] = {0.004,  -0.006, 0.009,  -0.003, 0.007,
                            -0.008, 0.002,  -0.005, 0.006,  -0.002};

// Of `pairs` with noise that is known, and no change.
GateRecord record_of(std::uint32_t pairs, std::uint32_t pairs_max = 40) {
  GateRecord record;
  record.pairs_max = pairs_max;
  record.baseline.digest = "a";
  record.candidate.digest = "b";
  record.metrics = {{.name = "documents_per_second", .unit = "documents/s", .more_is_better = true},
                    {.name = "cpu extract", .unit = "s", .stage = "extract"},
                    {.name = "calibration", .unit = "s", .is_control = true}};
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const double noise = small[i % std::size(small)];
    GatePair pair;
    pair.candidate_first = i % 2 == 1;
    pair.baseline = {{"documents_per_second", 40}, {"cpu extract", 12}, {"calibration", 0.3}};
    pair.candidate = {{"documents_per_second", 40 * std::exp(noise)},
                      {"cpu extract", 12 * std::exp(-noise)},
                      {"calibration", 0.3 * std::exp(noise / 2)}};
    record.pairs.push_back(pair);
  }
  return record;
}

void multiply(GateRecord& record, const std::string& metric, double times) {
  for (GatePair& pair : record.pairs) pair.candidate[metric] *= times;
}

void count_instructions(GateRecord& record, double times) {
  record.metrics.push_back(
      {.name = "instructions extract", .stage = "extract", .floor = 0.01, .is_exact = true});
  record.baseline_counts["instructions extract"] = 2e9;
  record.candidate_counts["instructions extract"] = 2e9 * times;
}

void read_documents(GateRecord& record) {
  record.content.baseline = {.documents = 300,
                             .done = 300,
                             .pages = 2'000,
                             .words = 1'000'000,
                             .chunks = 4'000,
                             .chunks_twice = 0,
                             .tokens = 1'300'000};
  record.content.candidate = record.content.baseline;
  record.content.searches = 50;
}

const MetricResult& metric(const GateReport& report, const std::string& name) {
  return *std::ranges::find_if(
      report.metrics, [&](const MetricResult& result) { return result.metric.name == name; });
}

const ContentResult& content(const GateReport& report, const std::string& name) {
  return *std::ranges::find(report.content, name, &ContentResult::name);
}

TEST_CASE("gate: looks are farther and farther apart and the last is at the end") {
  CHECK(looks(40) == std::vector<std::uint32_t>{10, 14, 20, 27, 40});
  CHECK(looks(20) == std::vector<std::uint32_t>{10, 14, 20});
  CHECK(looks(12) == std::vector<std::uint32_t>{12});
  CHECK(looks(10) == std::vector<std::uint32_t>{10});
  CHECK(looks(9).empty());
}

TEST_CASE("gate: builds that differ by noise pass at the first look") {
  GateRecord record = record_of(9);
  CHECK_FALSE(is_decided(record));
  record = record_of(10);
  CHECK(is_decided(record));
  const GateReport report = decide(record);
  CHECK(report.verdict == GateVerdict::pass);
  CHECK(metric(report, "documents_per_second").outcome == GateOutcome::no_change);
  CHECK(report.regressions.empty());
  CHECK(report.sentence == "2 figures not worse, after 10 pairs; content was not compared");
}

TEST_CASE("gate: a slowdown beyond the limit is a regression that names the stage") {
  GateRecord record = record_of(10);
  multiply(record, "documents_per_second", 0.942);
  multiply(record, "cpu extract", 1.059);
  // Ten pairs that all agree are chance once in 1,024; the first look may err more seldom.
  CHECK_FALSE(is_decided(record));
  record = record_of(14);
  multiply(record, "documents_per_second", 0.942);
  multiply(record, "cpu extract", 1.059);
  count_instructions(record, 1.061);
  CHECK(is_decided(record));
  const GateReport report = decide(record);
  CHECK(report.verdict == GateVerdict::regression);
  CHECK(metric(report, "documents_per_second").chance == Approx(std::pow(0.5, 14)));
  REQUIRE(report.regressions.size() == 3);
  CHECK(report.regressions[0] ==
        "documents per second -5.8% (-6.2% to -5.3%), limit 3%: extract +5.8% cpu, +6.1% "
        "instructions");
  CHECK(report.regressions[2] == "instructions extract +6.1%, limit 1%");
  CHECK(report.sentence == report.regressions[0] + "; and 2 more");
}

TEST_CASE("gate: a stage is left out of the names that are said behind it and of no other word") {
  GateRecord record = record_of(14);
  record.metrics.push_back({.name = "cpu_extraction_per_page", .stage = "extract"});
  record.metrics.push_back({.name = "extract_reads", .stage = "extract", .is_exact = true});
  record.baseline_counts["extract_reads"] = 100;
  record.candidate_counts["extract_reads"] = 110;
  for (GatePair& pair : record.pairs) {
    pair.baseline["cpu_extraction_per_page"] = 1;
    pair.candidate["cpu_extraction_per_page"] = 1.1;
  }
  multiply(record, "documents_per_second", 0.9);
  CHECK_THAT(decide(record).regressions[0],
             ContainsSubstring(": extract +10.0% cpu extraction per page, +10.0% reads"));
}

TEST_CASE("gate: what is slower by less than the limit is no regression however sure it is") {
  GateRecord record = record_of(40);
  multiply(record, "documents_per_second", 0.98);
  const GateReport report = decide(record);
  CHECK(metric(report, "documents_per_second").chance < 1e-9);
  CHECK(metric(report, "documents_per_second").outcome == GateOutcome::no_change);
  CHECK(report.verdict == GateVerdict::pass);
}

TEST_CASE("gate: what is faster is an improvement and passes") {
  GateRecord record = record_of(14);
  multiply(record, "documents_per_second", 1.1);
  const GateReport report = decide(record);
  CHECK(metric(report, "documents_per_second").outcome == GateOutcome::improvement);
  CHECK(report.verdict == GateVerdict::pass);
  CHECK(report.sentence ==
        "2 figures not worse, 1 better, after 14 pairs; content was not compared");
}

TEST_CASE("gate: too much noise is inconclusive and says how many pairs are missing") {
  GateRecord record = record_of(10, 10);
  for (std::size_t i = 0; i < record.pairs.size(); ++i)
    record.pairs[i].candidate["documents_per_second"] = 40 * std::exp(20 * small[i]);
  CHECK(is_decided(record));
  const GateReport report = decide(record);
  CHECK(report.verdict == GateVerdict::inconclusive);
  const MetricResult& result = metric(report, "documents_per_second");
  CHECK(result.outcome == GateOutcome::inconclusive);
  // The sixth of the averages: -0.16, -0.14, -0.13, -0.12, -0.11 and -0.11. That is twice as far as
  // it may be, or nearly: up to four times the pairs.
  REQUIRE(result.low.has_value());
  CHECK(*result.low == Approx(std::expm1(-0.11)));
  CHECK(result.more_pairs > 15);
  CHECK(result.more_pairs < 30);
  CHECK_THAT(report.sentence, ContainsSubstring("1 figure open after 10 pairs, needs about"));
}

TEST_CASE("gate: a figure that may stay open leaves no gate inconclusive but may fail it") {
  GateRecord record = record_of(10);
  record.metrics[1].may_stay_open = true;
  for (std::size_t i = 0; i < record.pairs.size(); ++i)
    record.pairs[i].candidate["cpu extract"] *= i % 2 == 0 ? 1.4 : 0.6;
  CHECK(is_decided(record));
  GateReport report = decide(record);
  CHECK(metric(report, "cpu extract").outcome == GateOutcome::inconclusive);
  CHECK(report.verdict == GateVerdict::pass);
  CHECK_THAT(report.sentence, ContainsSubstring("1 too noisy to tell"));
  record.metrics[1].may_stay_open = false;
  CHECK_FALSE(is_decided(record));
  CHECK(decide(record).verdict == GateVerdict::inconclusive);

  // Ten pairs of forty cannot say it yet.
  record = record_of(10);
  record.metrics[1].may_stay_open = true;
  multiply(record, "cpu extract", 1.3);
  CHECK_FALSE(is_decided(record));
  record = record_of(14);
  record.metrics[1].may_stay_open = true;
  multiply(record, "cpu extract", 1.3);
  CHECK(decide(record).verdict == GateVerdict::regression);
}

TEST_CASE("gate: fewer than ten pairs say nothing") {
  GateRecord record = record_of(4);
  multiply(record, "documents_per_second", 0.5);
  const GateReport report = decide(record);
  CHECK(report.verdict == GateVerdict::inconclusive);
  CHECK(metric(report, "documents_per_second").more_pairs == 6);
  CHECK(decide(GateRecord{}).verdict == GateVerdict::inconclusive);
  CHECK(decide(GateRecord{}).sentence == "nothing was compared");
}

TEST_CASE("gate: what was broken off does not pass but may have found something") {
  GateRecord record = record_of(10);
  record.interrupted = "interrupted";
  CHECK(decide(record).verdict == GateVerdict::inconclusive);
  CHECK(decide(record).sentence == "broken off after 10 pairs: interrupted");
  count_instructions(record, 1.02);
  CHECK(decide(record).verdict == GateVerdict::regression);
}

TEST_CASE("gate: a control that moved leaves the times unproven but not the counts") {
  GateRecord record = record_of(14);
  multiply(record, "documents_per_second", 0.9);
  multiply(record, "calibration", 1.06);
  CHECK(is_decided(record));
  GateReport report = decide(record);
  CHECK(report.verdict == GateVerdict::invalid);
  CHECK(metric(report, "documents_per_second").outcome == GateOutcome::unproven);
  CHECK(report.regressions.empty());
  CHECK_THAT(report.sentence, ContainsSubstring("a control moved: calibration +6.0%"));
  count_instructions(record, 1.02);
  CHECK(decide(record).verdict == GateVerdict::regression);
}

TEST_CASE("gate: a count is compared once and to its limit") {
  GateRecord record = record_of(10);
  count_instructions(record, 1.0101);
  CHECK(decide(record).verdict == GateVerdict::regression);
  record.candidate_counts["instructions extract"] = 2e9 * 1.0099;
  CHECK(decide(record).verdict == GateVerdict::pass);
  record.candidate_counts["instructions extract"] = 2e9 * 0.97;
  CHECK(metric(decide(record), "instructions extract").outcome == GateOutcome::improvement);
  record.candidate_counts.clear();
  CHECK(decide(record).verdict == GateVerdict::inconclusive);
}

TEST_CASE("gate: memory that grew is found though its time did not") {
  GateRecord record = record_of(14);
  record.metrics.push_back({.name = "peak_memory", .unit = "bytes", .floor = 0.05});
  for (std::size_t i = 0; i < record.pairs.size(); ++i) {
    record.pairs[i].baseline["peak_memory"] = 180e6;
    record.pairs[i].candidate["peak_memory"] = 216e6;
  }
  const GateReport report = decide(record);
  REQUIRE(report.regressions.size() == 1);
  CHECK_THAT(report.regressions[0],
             ContainsSubstring("peak memory +20.0%") &&
                 ContainsSubstring("no stage does more: look for waits, memory or the store"));
}

struct Fault {
  const char* line;
  std::function<void(GateContent&)> make;
  bool may_be_accepted;
};

TEST_CASE("gate: each fault of content is found and only what may be meant is accepted") {
  const Fault faults[] = {
      {"words lost",
       [](GateContent& c) {
         c.words_lost = 11;
         c.pages_with_loss = 20;
       },
       true},
      {"words added", [](GateContent& c) { c.words_added = 1'001; }, true},
      {"words moved", [](GateContent& c) { c.words_moved = 1'001; }, true},
      {"chunks", [](GateContent& c) { ++c.candidate.chunks; }, true},
      {"tokens", [](GateContent& c) { --c.candidate.tokens; }, true},
      {"searches that answer otherwise", [](GateContent& c) { c.searches_different = 1; }, true},
      {"chunks that are there twice", [](GateContent& c) { c.candidate.chunks_twice = 1; }, false},
      {"documents done", [](GateContent& c) { --c.candidate.done; }, false},
      {"documents with an outcome", [](GateContent& c) { --c.candidate.documents; }, false}};
  for (const Fault& fault : faults) {
    INFO(fault.line);
    GateRecord record = record_of(10);
    read_documents(record);
    CHECK(decide(record).verdict == GateVerdict::pass);
    fault.make(record.content);
    GateReport report = decide(record);
    CHECK(report.verdict == GateVerdict::regression);
    CHECK(content(report, fault.line).outcome == GateOutcome::regression);
    CHECK(report.regressions.front().starts_with(fault.line));
    record.accepts_content = true;
    report = decide(record);
    CHECK((report.verdict == GateVerdict::pass) == fault.may_be_accepted);
    CHECK(content(report, fault.line).is_accepted == fault.may_be_accepted);
  }
}

TEST_CASE("gate: content that changed within its limits is told and passes") {
  GateRecord record = record_of(10);
  read_documents(record);
  record.content.words_lost = 10;
  record.content.words_added = 1'000;
  record.content.words_moved = 1'000;
  record.content.candidate.tokens += 10'000;
  record.content.candidate.chunks += 20;
  const GateReport report = decide(record);
  CHECK(report.verdict == GateVerdict::pass);
  CHECK_FALSE(content(report, "words lost").sentence.empty());
  CHECK(content(report, "tokens").sentence == "more tokens than before");
}

TEST_CASE("gate: the same build twice is said to be that") {
  GateRecord record = record_of(10);
  record.candidate.digest = record.baseline.digest;
  const GateReport report = decide(record);
  CHECK(report.is_same_build);
  CHECK_THAT(report.sentence, ContainsSubstring("the same build twice: 2 figures not worse"));
}

TEST_CASE("gate: a metric that no pair has is not measured and not passed") {
  GateRecord record = record_of(10);
  record.metrics.push_back({.name = "done_p95", .unit = "s"});
  const GateReport report = decide(record);
  CHECK(report.verdict == GateVerdict::inconclusive);
  CHECK(metric(report, "done_p95").sentence == "not measured");
}

}  // namespace
}  // namespace penstock
