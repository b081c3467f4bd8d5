#include "loadgen/feasibility.h"

#include <cstdint>
#include <string>
#include <vector>

#include "engine/stages/tokenize/tokenizer.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

DocumentKind kind(std::uint64_t bytes, std::uint64_t text) {
  DocumentKind made;
  made.name = "report";
  made.bytes = bytes;
  made.bytes_of_text = text;
  return made;
}

Profile burst_of(std::uint64_t documents, const DocumentKind& kind) {
  Profile profile;
  profile.kinds = {kind};
  Phase burst;
  burst.plan = ArrivalPlan::burst;
  burst.documents = documents;
  profile.phases = {burst};
  profile.connections_max = 1'000;
  return profile;
}

std::vector<std::string> reasons(const Profile& profile) {
  const Corpus corpus(profile.kinds, 1);
  return impossible(profile, schedule_of(profile), corpus);
}

TEST_CASE("feasibility: a thousand documents of 10 MB within 2 s are more than a network carries") {
  Profile profile = burst_of(1'000, kind(10'000'000, 8'000));
  profile.targets = {{"upload", Measure::upload, 2, 0.99, {}}};
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("upload: a burst of 1,000 documents is 10.0 GB") ||
                          ContainsSubstring("upload: a burst of 1,000 documents is 9.9"));
  CHECK_THAT(said[0], ContainsSubstring("a network of 25 Gbit/s carries 3.1 GB/s"));
  profile.targets[0].limit = 4;
  CHECK(reasons(profile).empty());
}

TEST_CASE("feasibility: tokens that the quota does not let through in time") {
  Profile profile = burst_of(1'000, kind(8'000, 0));
  profile.provider = ProviderPlan{};  // 90,000 a minute
  profile.drain_max = std::chrono::hours(1);
  profile.targets = {{"done", Measure::done, 60, 0.99, {}}};
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("done: a burst of 1,000 documents is 1.") &&
                          ContainsSubstring("M tokens; at 90.0 k a minute that is ") &&
                          ContainsSubstring("99% of them are to be done within 60.0 s"));
  profile.targets[0].limit = 1'800;
  CHECK(reasons(profile).empty());
  profile.drain_max = std::chrono::seconds(30);
  profile.phases[0].times = 3;
  const auto too_long = reasons(profile);
  REQUIRE(too_long.size() == 1);  // not of each of the three
  CHECK_THAT(too_long[0], ContainsSubstring("drain_max: a burst of 1,000 documents is ") &&
                              ContainsSubstring("and it is waited for 30.0 s"));
}

TEST_CASE("feasibility: a kind's limit is held against the tokens of its documents") {
  DocumentKind large = kind(100'000, 0);
  large.name = "large";
  Profile profile = burst_of(100, kind(8'000, 0));
  profile.kinds.push_back(large);
  profile.provider = ProviderPlan{};
  profile.drain_max = std::chrono::hours(1);
  profile.targets = {{"report done", Measure::done, 60, 0.99, "report"},
                     {"large done", Measure::done, 60, 0.99, "large"}};
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("large done: a burst of 100 documents is "));
}

TEST_CASE("feasibility: a load that outruns the quota needs time to drain") {
  Profile profile = burst_of(1, kind(8'000, 0));
  profile.phases[0].plan = ArrivalPlan::ramp;
  profile.phases[0].length = std::chrono::minutes(2);
  profile.phases[0].per_second = 8;
  profile.provider = ProviderPlan{};
  profile.drain_max = std::chrono::seconds(30);
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("drain_max: ") &&
                          ContainsSubstring("and load and drain_max end after 2:30"));
  profile.drain_max = std::chrono::minutes(30);
  CHECK(reasons(profile).empty());
}

TEST_CASE("feasibility: a steady rate over the quota would only let a backlog grow") {
  Profile profile = burst_of(1, kind(8'000, 0));
  Phase& steady = profile.phases[0];
  steady.name = "steady";
  steady.plan = ArrivalPlan::constant;
  steady.length = std::chrono::minutes(4);
  steady.per_second = 2;
  profile.provider = ProviderPlan{};  // 90,000 a minute
  profile.drain_max = std::chrono::hours(1);
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("steady: 2.0 documents/s are 1") &&
                          ContainsSubstring("a minute, and the quota lets through 90.0 k"));
  SECTION("but not within what a minute saved up") {
    steady.length = std::chrono::seconds(30);
    CHECK(reasons(profile).empty());
  }
  SECTION("nor in a warm-up") {
    steady.is_warm_up = true;
    CHECK(reasons(profile).empty());
  }
  SECTION("nor in a sweep that looks for just that") {
    profile.phases.resize(3, Phase(steady));
    profile.phases[1].per_second = 0.25;
    profile.phases[2].per_second = 0.5;
    CHECK(reasons(profile).empty());
  }
  SECTION("nor by documents of a folder whose text was embedded before") {
    const TempDir folder;
    folder.write("a.txt", "some text");
    profile.kinds[0].folder = folder.path();
    CHECK(reasons(profile).empty());
  }
}

TEST_CASE("feasibility: what overlaps is embedded twice and counts twice") {
  // Of three and a half thousand tokens; each chunk after the first repeats some of them.
  Profile profile = burst_of(100, kind(20'000, 0));
  profile.provider = ProviderPlan{};
  profile.drain_max = std::chrono::hours(1);
  profile.targets = {{"done", Measure::done, 1, 0.99, {}}};
  const Corpus corpus(profile.kinds, 1);
  const Tokenizer tokenizer(Encoding::cl100k_base);
  const double tokens = 100.0 * static_cast<double>(tokenizer.count(corpus.text_of(0, 0)));
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  const double counted = 1'000 * std::stod(said[0].substr(said[0].find(" is ") + 4));
  CHECK(counted > 1.05 * tokens);
  CHECK(counted < 1.2 * tokens);
}

TEST_CASE("feasibility: a target needs enough documents to be told") {
  Profile profile = burst_of(458, kind(8'000, 0));
  profile.targets = {{"upload", Measure::upload, 2, 0.99, {}},
                     {"report done", Measure::done, 2, 0.95, "report"},
                     {"documents per day", Measure::documents_per_day, 10'000, 0.99, {}}};
  const auto said = [&] { return too_few_documents(profile, schedule_of(profile)); };
  REQUIRE(said().size() == 1);
  CHECK(said()[0] == "upload: 99% takes 459 documents without a miss, and the load has 458");
  profile.phases[0].documents = 459;
  CHECK(said().empty());
  profile.phases[0].is_warm_up = true;
  CHECK(said().size() == 2);
  profile.phases.push_back(profile.phases[0]);
  profile.phases[1].is_warm_up = false;
  profile.phases[1].plan = ArrivalPlan::closed;
  profile.phases[1].concurrency = 1;
  CHECK(said().empty());
}

TEST_CASE("feasibility: uploads that are never under way at once") {
  Profile profile = burst_of(100, kind(8'000, 0));
  profile.targets = {{"concurrent uploads", Measure::concurrent, 1'000, 0.99, {}}};
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK(said[0] ==
        "concurrent uploads: never more than 100 uploads are under way, by phases and "
        "connections_max");
  profile.phases[0].documents = 1'000;
  CHECK(reasons(profile).empty());
}

TEST_CASE("feasibility: more connections than files may be open") {
  Profile profile = burst_of(1, kind(8'000, 0));
  profile.connections_max = UINT32_MAX;
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("connections_max: 4,294,967,295 connections"));
}

}  // namespace
}  // namespace penstock
