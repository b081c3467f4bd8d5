#include "engine/stages/pack/packer.h"

#include "test/support/catch.h"

namespace penstock {
namespace {

// The packer hands jobs on and never looks into them.
Job* job(std::uintptr_t number) {
  return reinterpret_cast<Job*>(number * 8);  // NOLINT(performance-no-int-to-ptr)
}

const TimePoint start{};

TEST_CASE("packer: a full pack leaves with the chunk that has no room in it") {
  Packer packer({2, 100, 100, 100}, Lane::bulk, Duration{0});
  CHECK_FALSE(packer.add({job(1), 0, "a", 10}, start).has_value());
  CHECK_FALSE(packer.add({job(1), 1, "b", 10}, start).has_value());
  const std::optional<Pack> full = packer.add({job(2), 0, "c", 10}, start);
  REQUIRE(full.has_value());
  CHECK(full->inputs == std::vector<std::string_view>{"a", "b"});
  CHECK(full->tokens == 20);
  CHECK(full->bytes == 2);
  REQUIRE(full->slices.size() == 1);
  CHECK(full->slices[0].job == job(1));
  CHECK(full->slices[0].chunk_begin == 0);
  CHECK(full->slices[0].chunk_end == 2);
  const std::optional<Pack> rest = packer.flush();
  REQUIRE(rest.has_value());
  CHECK(rest->inputs == std::vector<std::string_view>{"c"});
  CHECK_FALSE(packer.flush().has_value());
}

TEST_CASE("packer: tokens and bytes bound a pack, too") {
  SECTION("tokens") {
    Packer packer({10, 25, 100, 100}, Lane::bulk, Duration{0});
    packer.add({job(1), 0, "a", 10}, start);
    packer.add({job(1), 1, "b", 15}, start);
    CHECK(packer.add({job(1), 2, "c", 1}, start).has_value());
  }
  SECTION("bytes") {
    Packer packer({10, 100, 100, 5}, Lane::bulk, Duration{0});
    packer.add({job(1), 0, "12345", 1}, start);
    CHECK(packer.add({job(1), 1, "6", 1}, start).has_value());
  }
}

TEST_CASE("packer: a chunk above the limits travels alone") {
  Packer packer({10, 25, 100, 100}, Lane::bulk, Duration{0});
  packer.add({job(1), 0, "a", 10}, start);
  const std::optional<Pack> before = packer.add({job(1), 1, "huge", 26}, start);
  REQUIRE(before.has_value());
  CHECK(before->inputs.size() == 1);
  const std::optional<Pack> alone = packer.add({job(1), 2, "b", 1}, start);
  REQUIRE(alone.has_value());
  CHECK(alone->inputs == std::vector<std::string_view>{"huge"});
}

TEST_CASE("packer: slices follow documents and gaps") {
  Packer packer({10, 100, 100, 100}, Lane::bulk, Duration{0});
  packer.add({job(1), 3, "a", 1}, start);
  packer.add({job(1), 4, "b", 1}, start);
  packer.add({job(2), 0, "c", 1}, start);
  packer.add({job(1), 6, "d", 1}, start);
  const std::optional<Pack> pack = packer.flush();
  REQUIRE(pack.has_value());
  REQUIRE(pack->slices.size() == 3);
  CHECK(pack->slices[0].chunk_end == 5);
  CHECK(pack->slices[1].job == job(2));
  CHECK(pack->slices[2].chunk_begin == 6);
}

TEST_CASE("packer: the oldest chunk decides when a pack is due") {
  const Duration wait = std::chrono::milliseconds(50);
  Packer packer({10, 100, 100, 100}, Lane::bulk, wait);
  CHECK_FALSE(packer.is_due(start + wait));
  packer.add({job(1), 0, "a", 1}, start);
  packer.add({job(1), 1, "b", 1}, start + wait / 2);
  CHECK_FALSE(packer.is_due(start + wait - Duration{1}));
  CHECK(packer.is_due(start + wait));
}

}  // namespace
}  // namespace penstock
