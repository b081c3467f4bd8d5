#include "engine/io/fetched_claims.h"

#include <chrono>
#include <deque>
#include <string>
#include <thread>
#include <utility>

#include "test/support/catch.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

Claim document(const std::string& key) {
  return {key, "/at/" + key, {}, {1, 1, 1}};
}

TEST_CASE("fetched claims: they are taken in the order in which they came") {
  FetchedClaims claims;
  CHECK_FALSE(claims.take());
  REQUIRE(claims.add(document("b")));
  REQUIRE(claims.add(document("c")));
  REQUIRE(claims.add_first(document("a")));
  for (const char* key : {"a", "b", "c"}) CHECK(claims.take()->key == key);
  CHECK_FALSE(claims.take());
}

TEST_CASE(
    "fetched claims: who takes them fast fetches more at once, and who does not fetches one") {
  FetchedClaims claims;
  TimePoint now{std::chrono::hours(1)};
  CHECK(claims.next_batch(now) == 1);
  for (const std::size_t batch : {2, 4, 8, 16, 32, 64, 64}) {
    now += std::chrono::minutes(1);  // the queue takes its time; that is not the worker's
    claims.have_come(now);
    now += milliseconds(99);
    CHECK(claims.next_batch(now) == batch);
  }
  claims.have_come(now);
  CHECK(claims.next_batch(now + milliseconds(100)) == 1);
}

TEST_CASE("fetched claims: once closed, what nobody took is handed back and no more is taken in") {
  FetchedClaims claims;
  REQUIRE(claims.add(document("a")));
  CHECK_FALSE(claims.is_closed());
  CHECK_FALSE(claims.is_closed_within(milliseconds(0)));
  std::thread waiting([&] { CHECK(claims.is_closed_within(std::chrono::hours(1))); });
  const std::deque<Claim> left = claims.close();
  waiting.join();
  REQUIRE(left.size() == 1);
  CHECK(left.front().key == "a");
  CHECK(claims.is_closed());
  CHECK_FALSE(claims.take());
  Claim late = document("late");
  CHECK_FALSE(claims.add(std::move(late)));
  CHECK(late.key == "late");
  CHECK_FALSE(claims.add_first(std::move(late)));
  CHECK(late.key == "late");
  CHECK(claims.close().empty());
}

}  // namespace
}  // namespace penstock
