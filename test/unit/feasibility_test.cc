#include "loadgen/feasibility.h"

#include <cstdint>
#include <string>
#include <vector>

#include "test/support/catch.h"

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
  CHECK(reasons(profile).empty());  // a burst is waited for, whatever drain_max
}

TEST_CASE("feasibility: a load that outruns the quota needs time to drain") {
  Profile profile = burst_of(1, kind(8'000, 0));
  profile.phases[0].plan = ArrivalPlan::constant;
  profile.phases[0].length = std::chrono::minutes(2);
  profile.phases[0].per_second = 4;
  profile.provider = ProviderPlan{};
  profile.drain_max = std::chrono::seconds(30);
  const auto said = reasons(profile);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("drain_max: ") &&
                          ContainsSubstring("and load and drain_max end after 2:30"));
  profile.drain_max = std::chrono::minutes(30);
  CHECK(reasons(profile).empty());
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
