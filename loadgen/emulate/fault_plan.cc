#include "loadgen/emulate/fault_plan.h"

#include <algorithm>
#include <utility>

#include "loadgen/emulate/uniform.h"

namespace penstock {

std::optional<FaultKind> fault_of_name(std::string_view name) {
  const auto* const found = std::ranges::find(fault_names, name);
  if (found == fault_names.end()) return std::nullopt;
  return static_cast<FaultKind>(found - fault_names.begin());
}

FaultPlan::FaultPlan(double fraction, std::vector<FaultKind> kinds, std::uint64_t seed)
    : fraction_(fraction), kinds_(std::move(kinds)), random_(seed) {
  if (kinds_.empty())
    for (std::size_t i = 0; i < fault_names.size(); ++i)
      kinds_.push_back(static_cast<FaultKind>(i));
}

std::optional<FaultKind> FaultPlan::next() {
  // Both are drawn always, so that the same requests fail whatever the kinds are.
  const bool faulty = uniform(random_) < fraction_;
  const auto kind = static_cast<std::size_t>(uniform(random_) * static_cast<double>(kinds_.size()));
  if (!faulty) return std::nullopt;
  return kinds_[kind];
}

}  // namespace penstock
