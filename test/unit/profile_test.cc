#include "loadgen/profile.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "loadgen/feasibility.h"
#include "loadgen/schedule.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

constexpr const char* smallest = R"(
[[kind]]
size = "1MB"
text = "8KB"
[[phase]]
plan = "burst"
documents = 1000
)";

Profile profile_of(const std::string& text) {
  const TempDir folder;
  return read_profile(folder.write("p.toml", text));
}

// What it says of a profile that it refuses, behind the file's name.
std::string refusal(const std::string& text) {
  try {
    profile_of(text);
  } catch (const FatalError& error) {
    const std::string message = error.what();
    return message.substr(message.find("p.toml") + 6);
  }
  return "it was taken";
}

Phase phase(ArrivalPlan plan, double seconds, double per_second) {
  Phase made;
  made.plan = plan;
  made.length = std::chrono::duration<double>(seconds);
  made.per_second = per_second;
  return made;
}

Schedule schedule_with(const Phase& one, std::uint64_t seed = 1) {
  Profile profile;
  DocumentKind rare;
  rare.name = "rare";
  DocumentKind usual;
  usual.name = "usual";
  usual.weight = 3;
  profile.kinds = {rare, usual};
  profile.phases = {one};
  profile.seed = seed;
  return schedule_of(profile);
}

double seconds(Offset offset) {
  return std::chrono::duration<double>(offset).count();
}

TEST_CASE("profile: what it leaves open is the mission") {
  const Profile profile = profile_of(smallest);
  CHECK(profile.name == "p.toml");
  CHECK(profile.kinds[0].bytes == 1'000'000);
  CHECK(profile.kinds[0].bytes_of_text == 8'000);
  CHECK_FALSE(profile.provider);
  REQUIRE(profile.targets.size() == 4);
  CHECK(profile.targets[0].limit == 2);
  CHECK(profile.targets[1].limit == 10);
  CHECK(profile.targets[2].limit == 10'000);
  CHECK(profile.targets[3].measure == Measure::concurrent);
}

TEST_CASE("profile: times and sizes have units") {
  const Profile profile = profile_of(R"(
drain_max = "5m"
[[kind]]
size = "1.5MB"
[[phase]]
length = "250ms"
per_second = 4
[[phase]]
plan = "closed"
length = 3
concurrency = 8
[[target]]
measure = "done"
limit = "1m"
)");
  CHECK(profile.drain_max.count() == 300);
  CHECK(profile.kinds[0].bytes == 1'500'000);
  CHECK(profile.phases[0].length.count() == 0.25);
  CHECK(profile.phases[1].length.count() == 3);
  CHECK(profile.targets[0].limit == 60);
}

TEST_CASE("profile: what is wrong with it is said with its line") {
  CHECK(refusal("name = ") != "it was taken");
  CHECK(refusal("colour = 1\n" + std::string(smallest)) == ":1: colour is no key here");
  CHECK(refusal("seed = \"x\"\n" + std::string(smallest)) ==
        ":1: seed is a whole number from 0 to 9223372036854775807");
  CHECK(refusal(std::string(smallest) + "per_second = 3\n") ==
        ":8: [[phase]] per_second is no key here");
  CHECK(refusal("[[kind]]\nsize = \"3 miles\"\n") ==
        ":2: [[kind]] size is a size: \"800KB\", \"1.5MB\"");
  CHECK(refusal("[[kind]]\nname = \"x\"\n") == ":1: [[kind]] size is missing, and so is folder");
  CHECK(refusal("[[kind]]\nsize = \"4KB\"\n") == ": has no [[phase]]");
  CHECK(refusal("[[phase]]\nplan = \"burst\"\ndocuments = 1\n") == ": has no [[kind]] of document");
  CHECK(refusal(std::string(smallest) + "[[phase]]\nplan = \"often\"\n") ==
        ":9: [[phase]] plan is one of constant, poisson, ramp, spike, burst, replay, closed");
  CHECK(refusal(std::string(smallest) + "[[target]]\nmeasure = \"done\"\n") ==
        ":8: [[target]] limit is missing");
  CHECK(refusal(std::string(smallest) +
                "[[target]]\nmeasure = \"done\"\nlimit = 1\nkind = \"x\"\n") ==
        ":11: [[target]] kind is the name of no [[kind]]");
  CHECK(refusal("[[kind]]\nsize = \"3KB\"\n") == ":2: [[kind]] size is from 4KB to 256MB");
  CHECK(refusal("[[kind]]\nsize = \"9KB\"\ntext = \"10KB\"\n") ==
        ":3: [[kind]] text is from 3KB to size");
  CHECK(refusal("[[kind]]\nsize = \"9KB\"\nfolder = \"x\"\n") ==
        ":2: [[kind]] size is no key here");
  CHECK(refusal("[[kind]]\nfolder = \"\"\n") == ":2: [[kind]] folder is empty");
  CHECK(refusal("[system]\nurl = \"http://h\"\n[provider]\n" + std::string(smallest)) ==
        ":3: provider is for a system that the run starts, and [system] names a url");
  CHECK(refusal("seed = nan\n" + std::string(smallest)) ==
        ":1: seed is a whole number from 0 to 9223372036854775807");
  CHECK(refusal(std::string(smallest) + "[[phase]]\nper_second = nan\nlength = 1\n") ==
        ":9: [[phase]] per_second is a number from 1e-06 to 100000");
}

TEST_CASE("profile: what is wrong with it is said in one line whatever it quotes") {
  CHECK(refusal("warm_up = tru\ne\n") ==
        ":1: Error while parsing boolean: expected 'true', saw 'tru '");
  CHECK(refusal("\"col\\nour\" = 1\n" + std::string(smallest)) == ":1: col our is no key here");
}

TEST_CASE("profile: a run of more documents or time than can be counted is refused") {
  const std::string kind = "[[kind]]\nsize = \"4KB\"\n";
  const std::string too_many = "[[phase]] plan makes the run one of more than 10000000 documents";
  CHECK(refusal(kind + "[[phase]]\nplan = \"burst\"\ndocuments = 1000000\ntimes = 11\n") ==
        ":4: " + too_many);
  const std::string half = "[[phase]]\nplan = \"poisson\"\nlength = \"2h\"\nper_second = 1000\n";
  CHECK(refusal(kind + half + half) == ":8: " + too_many);
  CHECK(refusal(kind + half) == "it was taken");
  const std::string time = "is a time: \"20s\", \"5m\", \"250ms\"; at most 100 days";
  CHECK(refusal("drain_max = \"2401h\"\n" + kind) == ":1: drain_max " + time);
  CHECK(refusal(kind + "[[phase]]\nlength = 1e14\nper_second = 1e-6\n") ==
        ":4: [[phase]] length " + time);
}

TEST_CASE("profile: what a destination has no use for is refused") {
  const auto system = [](const std::string& keys) {
    return refusal("[system]\n" + keys + "\n" + std::string(smallest));
  };
  CHECK(system("destination = \"moon\"") ==
        ":2: [system] destination is one of http, queue, engine");
  CHECK(system("queue = \"redis://h\"") ==
        ":2: [system] queue has no meaning for destination \"http\"");
  CHECK(system("destination = \"engine\"\nworkers = 2") ==
        ":3: [system] workers has no meaning for destination \"engine\"");
  CHECK(system("destination = \"queue\"\nurl = \"http://h\"") ==
        ":3: [system] url has no meaning for destination \"queue\"");
  CHECK(refusal("connections_wait = true\n[system]\ndestination = \"queue\"\n" +
                std::string(smallest)) ==
        ":1: connections_wait has no meaning for destination \"queue\"");
  CHECK(refusal("connections_max = 9\n[system]\ndestination = \"engine\"\n" +
                std::string(smallest)) ==
        ":1: connections_max has no meaning for destination \"engine\"");
  CHECK(system("workers = 0") == ":2: [system] workers is a whole number from 1 to 64");
  CHECK(
      system("destination = \"queue\"\nworkers = 2") ==
      ":3: [system] workers is 1 where ledger or vectors are in a file, which one process writes");
  CHECK(system("destination = \"queue\"\nworkers = 0") ==
        ":1: [system] queue is missing: workers that are there have theirs");
  CHECK(system("destination = \"queue\"\nworkers = 0\nqueue = \"redis://h\"\nblobs = \"b\"") ==
        ":1: [system] ledger is missing, and so is store: workers that are there have theirs");
  CHECK(system("destination = \"queue\"\nworkers = 0\narguments = [\"--lease\"]") ==
        ":4: [system] arguments are of workers that the run starts, and workers is 0");
  CHECK(refusal("[system]\ndestination = \"engine\"\n" + std::string(smallest) +
                "[[target]]\nmeasure = \"upload\"\nlimit = 1\n") ==
        ":11: [[target]] measure is of uploads, and an engine is handed its documents");
}

TEST_CASE("profile: of what is secret it has only the name") {
  const auto queue = [](const std::string& url) {
    return "[system]\ndestination = \"queue\"\nqueue = \"" + url + "\"\n" + smallest;
  };
  CHECK(
      refusal(queue("redis://:secret@h")) ==
      ":3: [system] queue has a password, which reports would show: write \"$NAME\", and set NAME "
      "to it");
  CHECK(refusal(queue("$PENSTOCK_NOT_SET")) ==
        ":3: [system] queue is what PENSTOCK_NOT_SET has in the environment, which is nothing");
  setenv("PENSTOCK_TEST_QUEUE", "redis://:secret@h", 1);
  const Profile profile = profile_of(queue("$PENSTOCK_TEST_QUEUE"));
  unsetenv("PENSTOCK_TEST_QUEUE");
  CHECK(profile.system.queue == "redis://:secret@h");
  CHECK(profile.system.shown_queue == "$PENSTOCK_TEST_QUEUE");
  CHECK(profile_of(queue("redis://user@h:1")).system.queue == "redis://user@h:1");
}

TEST_CASE("profile: an engine has no targets of uploads") {
  const Profile profile =
      profile_of("[system]\ndestination = \"engine\"\n" + std::string(smallest));
  REQUIRE(profile.targets.size() == 2);
  CHECK(profile.targets[0].measure == Measure::start);
  CHECK(profile.targets[1].measure == Measure::documents_per_day);
}

TEST_CASE("profile: a limit is what its measure is counted in") {
  const auto target = [](const std::string& keys) {
    return refusal(std::string(smallest) + "[[target]]\n" + keys);
  };
  CHECK(target("measure = \"concurrent\"\nlimit = \"2s\"\n") ==
        ":10: [[target]] limit is a number from 1 to 1e+12");
  CHECK(target("measure = \"upload\"\nlimit = 0\n") == ":10: [[target]] limit is more than 0");
  CHECK(target("measure = \"documents_per_day\"\nlimit = 10000\nfraction = 0.9\n") ==
        ":11: [[target]] fraction is no key here");
}

TEST_CASE("profile: no two phases or kinds or targets have one name") {
  const std::string all = smallest;
  CHECK(
      refusal("[[kind]]\nname = \"a\"\nsize = \"1MB\"\n[[kind]]\nname = \"a\"\nsize = \"1MB\"\n") ==
      ":5: [[kind]] name is \"a\", as another's");
  CHECK(refusal(all + "name = \"a\"\n[[phase]]\nname = \"a\"\nplan = \"burst\"\ndocuments = 1\n") ==
        ":10: [[phase]] name is \"a\", as another's");
  const std::string target = "[[target]]\nmeasure = \"done\"\nlimit = 60\n";
  CHECK(refusal(all + target + target) == ":11: [[target]] name is \"done\", as another's");
  const Profile profile = profile_of(all + target + target + "kind = \"kind-1\"\n");
  CHECK(profile.targets[1].name == "kind-1 done");
}

TEST_CASE("profile: files are found from its own folder") {
  const TempDir folder;
  const std::string path = folder.write(
      "p.toml", "[[kind]]\nfolder = \"files\"\n[[phase]]\nplan = \"replay\"\ntrace = \"/t\"\n");
  const Profile profile = read_profile(path);
  CHECK(profile.kinds[0].folder == folder.path("files"));
  CHECK(profile.phases[0].trace == "/t");
}

TEST_CASE("profile: one that cannot be read is refused") {
  CHECK_THROWS_WITH(read_profile("/nonexistent/p.toml"),
                    "/nonexistent/p.toml: the profile cannot be read");
}

TEST_CASE("profile: those that come along are possible and have the documents for a verdict") {
  std::size_t profiles = 0;
  for (const auto& file : std::filesystem::directory_iterator(PENSTOCK_PROFILES)) {
    const Profile profile = read_profile(file.path());
    INFO(profile.name);
    CHECK(profile.name + ".toml" == file.path().filename().string());
    CHECK(profile.phases.front().is_warm_up);
    const Corpus corpus(profile.kinds, profile.seed);
    const Schedule schedule = schedule_of(profile);
    CHECK(impossible(profile, schedule, corpus) == std::vector<std::string>());
    CHECK(too_few_documents(profile, schedule) == std::vector<std::string>());
    ++profiles;
  }
  CHECK(profiles == 10);
}

TEST_CASE("schedule: a constant rate is even") {
  const Schedule schedule = schedule_with(phase(ArrivalPlan::constant, 10, 4));
  REQUIRE(schedule.size() == 1);
  REQUIRE(schedule[0].due.size() == 40);
  for (std::size_t i = 0; i < 40; ++i)
    CHECK(seconds(schedule[0].due[i].at) == Approx(static_cast<double>(i) / 4));
}

TEST_CASE("schedule: a ramp has its mean rate and grows evenly") {
  Phase ramp = phase(ArrivalPlan::ramp, 100, 20);
  const Schedule schedule = schedule_with(ramp);
  REQUIRE(schedule[0].due.size() == 1'000);
  // A quarter of them in the first half.
  CHECK(seconds(schedule[0].due[250].at) == Approx(50).margin(0.5));
}

TEST_CASE("schedule: a ramp may be as good as level") {
  const auto times = [](double from, double to) {
    Phase ramp = phase(ArrivalPlan::ramp, 8e6, to);
    ramp.from_per_second = from;
    const Schedule schedule = schedule_with(ramp);
    std::vector<double> all;
    for (const Due& due : schedule[0].due) all.push_back(seconds(due.at));
    return all;
  };
  // From nothing: the n-th of four comes at the square root of n quarters.
  const std::vector<double> rising = times(0, 1e-6);
  REQUIRE(rising.size() == 4);
  for (std::size_t n = 0; n < 4; ++n)
    CHECK(rising[n] == Approx(8e6 * std::sqrt(static_cast<double>(n) / 4)));
  const std::vector<double> level = times(1e-6, 1.000001e-6);
  REQUIRE(level.size() == 9);
  for (std::size_t n = 0; n < level.size(); ++n)
    CHECK(level[n] == Approx(static_cast<double>(n) * 1e6).epsilon(1e-5));
}

TEST_CASE("schedule: Poisson arrivals have their rate and gaps that are exponential") {
  const Schedule schedule = schedule_with(phase(ArrivalPlan::poisson, 2'000, 10));
  const std::vector<Due>& due = schedule[0].due;
  CHECK(static_cast<double>(due.size()) == Approx(20'000).epsilon(0.03));
  // Kolmogorov and Smirnov's distance, whose 99.9% quantile is 1.95 / sqrt(n).
  std::vector<double> gaps;
  for (std::size_t i = 1; i < due.size(); ++i) gaps.push_back(seconds(due[i].at - due[i - 1].at));
  std::ranges::sort(gaps);
  double distance = 0;
  const auto n = static_cast<double>(gaps.size());
  for (std::size_t i = 0; i < gaps.size(); ++i)
    distance =
        std::max(distance, std::abs(1 - std::exp(-10 * gaps[i]) - static_cast<double>(i) / n));
  CHECK(distance < 1.95 / std::sqrt(n));
}

TEST_CASE("schedule: a spike is in its middle third") {
  Phase spike = phase(ArrivalPlan::spike, 300, 50);
  spike.from_per_second = 5;
  const Schedule schedule = schedule_with(spike);
  const auto in_spike = std::ranges::count_if(schedule[0].due, [](const Due& due) {
    return seconds(due.at) >= 100 && seconds(due.at) < 200;
  });
  CHECK(static_cast<double>(in_spike) == Approx(5'000).epsilon(0.06));
  CHECK(static_cast<double>(schedule[0].due.size()) - static_cast<double>(in_spike) ==
        Approx(1'000).epsilon(0.15));
}

TEST_CASE("schedule: a spike may be a lull") {
  Phase lull = phase(ArrivalPlan::spike, 300, 5);
  lull.from_per_second = 50;
  const Schedule schedule = schedule_with(lull);
  const auto in_lull = std::ranges::count_if(schedule[0].due, [](const Due& due) {
    return seconds(due.at) >= 100 && seconds(due.at) < 200;
  });
  CHECK(static_cast<double>(in_lull) == Approx(500).epsilon(0.2));
  CHECK(static_cast<double>(schedule[0].due.size()) == Approx(10'500).epsilon(0.05));
}

TEST_CASE("schedule: a seed gives the same arrivals everywhere") {
  const Schedule schedule = schedule_with(phase(ArrivalPlan::poisson, 100, 10), 7);
  REQUIRE(schedule[0].due.size() == 981);
  CHECK(schedule[0].due[0].at == Offset(158'293'029));
  CHECK(schedule[0].due[500].at == Offset(49'455'109'652));
}

TEST_CASE("schedule: times never fall and lie within the phase") {
  for (const ArrivalPlan plan :
       {ArrivalPlan::constant, ArrivalPlan::poisson, ArrivalPlan::ramp, ArrivalPlan::spike}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Phase one = phase(plan, 3 + static_cast<double>(seed) / 7, 1 + static_cast<double>(seed));
      one.from_per_second = 10;
      const std::vector<Due> due = schedule_with(one, seed)[0].due;
      REQUIRE_FALSE(due.empty());
      CHECK(std::ranges::is_sorted(due, {}, &Due::at));
      CHECK(due.front().at >= Offset(0));
      CHECK(std::chrono::duration<double>(due.back().at) < one.length);
    }
  }
}

TEST_CASE("schedule: a phase more changes nothing before it") {
  Profile profile = profile_of(smallest);
  profile.phases = {phase(ArrivalPlan::poisson, 10, 10)};
  const Schedule before = schedule_of(profile);
  profile.phases.push_back(phase(ArrivalPlan::poisson, 10, 10));
  const Schedule after = schedule_of(profile);
  const auto at = [](const Stretch& stretch) {
    std::vector<Offset> times;
    for (const Due& due : stretch.due) times.push_back(due.at);
    return times;
  };
  CHECK(at(after[0]) == at(before[0]));
  CHECK(at(after[1]) != at(after[0]));
}

TEST_CASE("schedule: bursts follow each other once drained") {
  Phase burst = phase(ArrivalPlan::burst, 0, 0);
  burst.documents = 100;
  burst.times = 3;
  burst.pause = std::chrono::seconds(2);
  const Schedule schedule = schedule_with(burst);
  REQUIRE(schedule.size() == 3);
  for (const Stretch& stretch : schedule) {
    CHECK(stretch.due.size() == 100);
    CHECK(stretch.due.back().at == Offset(0));
    CHECK(stretch.is_drained_after);
    CHECK(stretch.pause_after == std::chrono::seconds(2));
  }
}

TEST_CASE("schedule: the mix has its weights and the seed decides") {
  const Phase constant = phase(ArrivalPlan::constant, 1'000, 10);
  const auto kinds = [&](std::uint64_t seed) {
    std::vector<std::uint32_t> made;
    const Schedule schedule = schedule_with(constant, seed);
    for (const Due& due : schedule[0].due) made.push_back(due.kind);
    return made;
  };
  CHECK(kinds(1) == kinds(1));
  CHECK(kinds(1) != kinds(2));
  CHECK(static_cast<double>(std::ranges::count(kinds(1), 1U)) == Approx(7'500).epsilon(0.03));
}

TEST_CASE("schedule: a trace is replayed") {
  const TempDir folder;
  Phase replay;
  replay.plan = ArrivalPlan::replay;
  replay.trace = folder.write("trace", "# a morning\n2.5,rare\n0.5,usual\n\n1\n");
  const Schedule schedule = schedule_with(replay);
  REQUIRE(schedule[0].due.size() == 3);
  CHECK(seconds(schedule[0].due[0].at) == 0.5);
  CHECK(schedule[0].due[0].kind == 1);
  CHECK(seconds(schedule[0].due[2].at) == 2.5);
  CHECK(schedule[0].due[2].kind == 0);
  CHECK(seconds(schedule[0].length) == 2.5);
  replay.trace = folder.write("wrong", "1\nsoon\n");
  CHECK_THROWS_WITH(schedule_with(replay), ContainsSubstring("wrong:2: a line is SECONDS"));
  replay.trace = folder.write("endless", "inf\n");
  CHECK_THROWS_WITH(schedule_with(replay), ContainsSubstring("endless:1: a line is SECONDS"));
  replay.trace = folder.path("none");
  CHECK_THROWS_WITH(schedule_with(replay), ContainsSubstring("cannot be read"));
}

}  // namespace
}  // namespace penstock
