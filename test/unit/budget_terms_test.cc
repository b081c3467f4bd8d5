#include "engine/backends/redis/budget_terms.h"

#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("budget terms: their text is read as what it was made of") {
  BudgetTerms terms{
      "https://api.openai.com/v1", {{"main", 3'000, 90'000}, {"team-b.2", 1, 2}}, 0.1};
  const std::string text =
      "https://api.openai.com/v1 main:3000:90000 team-b.2:1:2 interactive share 0.1";
  CHECK(to_text(terms) == text);
  const auto parsed = parse_budget_terms(text);
  REQUIRE(parsed.has_value());
  CHECK(parsed->endpoint == terms.endpoint);
  CHECK(parsed->interactive_share == 0.1);
  CHECK(to_text(*parsed) == text);
  terms.interactive_share = 1.0 / 3;
  CHECK(parse_budget_terms(to_text(terms))->interactive_share == terms.interactive_share);
}

TEST_CASE("budget terms: what is none is told") {
  const auto text = GENERATE(
      "", "http://e", "http://e interactive share 0", "http://e main:3000 interactive share 0",
      "http://e :3000:90000 interactive share 0", "http://e main:3000:9x interactive share 0",
      "http://e main:3000:90000 interactive share none", "http://e main:3000:90000");
  INFO(text);
  CHECK_FALSE(parse_budget_terms(text).has_value());
}

}  // namespace
}  // namespace penstock
