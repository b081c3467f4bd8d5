// What every shared budget keeps to.
#pragma once

#include <functional>
#include <memory>

#include "engine/io/shared_budget.h"

namespace penstock {

// A new budget, of which any number of processes opens an access, and its clock.
struct BudgetUnderTest {
  std::function<std::unique_ptr<SharedBudget>()> open;
  std::function<void(Duration)> pass;  // time, by the budget's clock
  std::function<void()> lose;          // its memory
};

// `make` is called once a section, with the terms that it tests.
void run_budget_contract(const std::function<BudgetUnderTest(const BudgetTerms&)>& make);

}  // namespace penstock
