#include "test/support/memory_budget.h"

#include <chrono>
#include <memory>

#include "test/contract/budget_contract.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("memory budget: keeps the contract") {
  TimePoint now{std::chrono::hours(1)};
  std::unique_ptr<BudgetMemory> memory;
  run_budget_contract([&](const BudgetTerms& terms) -> BudgetUnderTest {
    memory = std::make_unique<BudgetMemory>(terms, [&now] { return now; });
    return {[&memory] { return std::make_unique<MemoryBudget>(*memory); },
            [&now](Duration passed) { now += passed; }, [&memory] { memory->lose(); }};
  });
}

}  // namespace
}  // namespace penstock
