// The terms of a shared budget as a text: what processes compare, and what tells a reader of the
// budget whose it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/io/shared_budget.h"

namespace penstock {

// "ENDPOINT NAME:REQUESTS:TOKENS ... interactive share FRACTION"
std::string to_text(const BudgetTerms& terms);

// The fewest digits that are read as the same number.
std::string shortest_text(double number);

// Absent: not such a text.
std::optional<BudgetTerms> parse_budget_terms(std::string_view text);

}  // namespace penstock
