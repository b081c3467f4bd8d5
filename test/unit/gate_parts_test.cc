// The parts of a gate that need no build: its job, what callgrind and Google Benchmark wrote, and
// the order of runs.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "engine/core/error.h"
#include "loadgen/gate/instructions.h"
#include "loadgen/gate/job.h"
#include "loadgen/gate/micro.h"
#include "loadgen/gate/pairs.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> files_in(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    files[entry.path().filename()] = text.str();
  }
  return files;
}

TEST_CASE("instructions: the sum is read from what callgrind wrote") {
  CHECK(instructions_in("# callgrind format\nevents: Ir\nfn=(1) main\n16 3\n\ntotals: 1234567\n") ==
        1'234'567);
  CHECK(instructions_in("events: Ir\nsummary: 99\n\nfn=(1) f\n1 99\n\ntotals: 100\n") == 99);
}

TEST_CASE("instructions: none counted is no count") {
  CHECK_FALSE(instructions_in(""));
  CHECK_FALSE(instructions_in("events: Ir\ntotals: 0\n"));
  CHECK_FALSE(instructions_in("events: Ir\ntotals: many\n"));
}

TEST_CASE("gate job: the same job writes the same documents") {
  const TempDir folder;
  const std::string path = folder.write("job.toml", R"(
seed = 5
[job]
documents = 12
[[kind]]
name = "letter"
size = "20KB"
weight = 3
[[kind]]
name = "scan"
size = "100KB"
text = "6KB"
)");
  const GateJob job = read_job(path);
  const std::string one = folder.path("one");
  const std::string two = folder.path("two");
  for (const std::string& to : {one, two}) fs::create_directory(to);
  const CorpusSize size = write_corpus(job, one);
  write_corpus(job, two);
  CHECK(size.documents == 12);
  const auto files = files_in(one);
  CHECK(files.size() == 12);
  CHECK(files == files_in(two));
  std::uint64_t bytes = 0;
  for (const auto& [_, content] : files) bytes += content.size();
  CHECK(bytes == size.bytes);

  GateJob other = job;
  other.seed = 6;
  const std::string three = folder.path("three");
  fs::create_directory(three);
  write_corpus(other, three);
  CHECK(files != files_in(three));
}

TEST_CASE("gate job: content is compared of the fixtures, too") {
  GateJob job = default_job();
  job.documents = 2;
  const TempDir folder;
  const CorpusSize size = write_content_corpus(job, folder.path());
  const auto files = files_in(folder.path());
  CHECK(files.size() == size.documents);
  CHECK(size.documents > 50);
}

TEST_CASE("gate job: what is wrong with its file is said with its line") {
  const TempDir folder;
  const auto refusal = [&](const std::string& text) {
    const std::string path = folder.write("job.toml", text);
    try {
      read_job(path);
    } catch (const FatalError& error) {
      return std::string(error.what()).substr(path.size());
    }
    return std::string("accepted");
  };
  const std::string kind = "[[kind]]\nname = \"a\"\nsize = \"20KB\"\n";
  CHECK(refusal(kind) == ":1: job is missing: how many documents a run has");
  CHECK(refusal("[job]\ndocuments = 0\n" + kind) ==
        ":2: [job] documents is a whole number from 1 to 10000000");
  CHECK(refusal("[job]\ndocuments = 1\n") == ": has no [[kind]] of document");
  CHECK(refusal("[job]\ndocuments = 1\n" + kind + "[[metric]]\nname = \"speed\"\nfloor = 0.1\n") ==
        ":7: [[metric]] name is no metric of a gate");
  CHECK(refusal("[job]\ndocuments = 1\n[[phase]]\n" + kind) == ":3: phase is no key here");
  CHECK(refusal("[job]\ndocuments = 1\n" + kind +
                "[[metric]]\nname = \"memory_peak\"\nfloor = 0.1\n"
                "[[metric]]\nname = \"instructions_chunk\"\nfloor = 0.02\n") == "accepted");
}

TEST_CASE("benchmarks: times are those of single runs in seconds") {
  const std::string json = R"({"context":{},"benchmarks":[
    {"name":"pack","run_name":"pack","run_type":"iteration","real_time":9,"cpu_time":5,"time_unit":"ns"},
    {"name":"pack","run_name":"pack","run_type":"iteration","real_time":9,"cpu_time":7,"time_unit":"ns"},
    {"name":"pack_mean","run_name":"pack","run_type":"aggregate","real_time":9,"cpu_time":6,"time_unit":"ns"},
    {"name":"store/real_time","run_name":"store/real_time","run_type":"iteration","real_time":3,"cpu_time":1,"time_unit":"ms"},
    {"name":"broken","run_name":"broken","run_type":"iteration","error_occurred":true,"error_message":"x","cpu_time":1}]})";
  const std::vector<Values> times = benchmark_times(json, "times.json");
  REQUIRE(times.size() == 2);
  REQUIRE(times[0].size() == 2);
  CHECK(times[0].at("pack") == Approx(5e-9));
  CHECK(times[0].at("store/real_time") == Approx(3e-3));
  CHECK(times[1] == Values{{"pack", times[1].at("pack")}});
  CHECK(times[1].at("pack") == Approx(7e-9));
}

TEST_CASE("benchmarks: another file is refused by its name") {
  for (const char* other : {"{}", "rubbish", "[]", R"({"benchmarks":3})"}) {
    INFO(other);
    CHECK_THROWS_WITH(benchmark_times(other, "times.json"),
                      ContainsSubstring("times.json: is no JSON of Google Benchmark"));
  }
  CHECK(
      benchmark_times(R"({"benchmarks":[1,{"name":3},{"name":"a","cpu_time":"x"}]})", "").empty());
}

struct Runs {
  std::string order;  // of runs: b and c
  GateRecord record;
};

Runs run_until(std::uint64_t seed, std::size_t enough, const Values& baseline,
               const Values& candidate, std::size_t interrupted_at = 1'000) {
  Runs runs;
  runs.record.pairs_max = 50;
  for (const char* name : {"speed", "memory"}) {
    GateMetric metric;
    metric.name = name;
    runs.record.metrics.push_back(metric);
  }
  PairPlan plan;
  plan.seed = seed;
  plan.run = [&](bool of_candidate) -> std::optional<Values> {
    if (runs.order.size() == interrupted_at) return std::nullopt;
    runs.order += of_candidate ? 'c' : 'b';
    return of_candidate ? candidate : baseline;
  };
  plan.decided = [&](const GateRecord& record) { return record.pairs.size() >= enough; };
  plan.show = [] {};
  run_pairs(plan, runs.record);
  return runs;
}

TEST_CASE("pairs: the order of each is drawn and the same seed draws the same") {
  const Values values = {{"speed", 1}, {"memory", 2}};
  const Runs runs = run_until(1, 20, values, values);
  REQUIRE(runs.record.pairs.size() == 20);
  std::size_t candidate_first = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(runs.order.substr(2 * i, 2) == (runs.record.pairs[i].candidate_first ? "cb" : "bc"));
    candidate_first += runs.record.pairs[i].candidate_first ? 1 : 0;
  }
  CHECK(candidate_first > 3);
  CHECK(candidate_first < 17);
  CHECK(run_until(1, 20, values, values).order == runs.order);
  CHECK(run_until(2, 20, values, values).order != runs.order);
}

TEST_CASE("pairs: each run is kept with its build") {
  const Runs runs = run_until(1, 4, {{"speed", 1}, {"memory", 2}}, {{"speed", 3}, {"memory", 4}});
  for (const GatePair& pair : runs.record.pairs) {
    CHECK(pair.baseline.at("speed") == 1);
    CHECK(pair.candidate.at("speed") == 3);
  }
}

TEST_CASE("pairs: half a pair is none") {
  const Values values = {{"speed", 1}, {"memory", 2}};
  CHECK(run_until(1, 50, values, values, 7).record.pairs.size() == 3);
}

TEST_CASE("pairs: what one of the builds does not tell is left out and named") {
  const Runs runs = run_until(1, 4, {{"speed", 1}}, {{"speed", 3}, {"memory", 4}});
  REQUIRE(runs.record.metrics.size() == 1);
  CHECK(runs.record.metrics[0].name == "speed");
  CHECK(runs.record.missing == std::vector<std::string>{"memory: the baseline does not tell it"});
}

}  // namespace
}  // namespace penstock
