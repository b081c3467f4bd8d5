#include "engine/service/admission_control.h"

#include <algorithm>
#include <string>

namespace penstock {
namespace {

constexpr std::int64_t retry_after_min_s = 5;
constexpr std::int64_t retry_after_max_s = 600;

std::chrono::seconds within_bounds(double seconds) {
  return std::chrono::seconds(std::clamp(static_cast<std::int64_t>(std::min(seconds, 1e6)),
                                         retry_after_min_s, retry_after_max_s));
}

}  // namespace

void AdmissionControl::see(const BrokerState& queue, std::uint64_t unqueued, double per_second) {
  const std::lock_guard lock(mutex_);
  queue_ = queue;
  unqueued_ = unqueued;
  per_second_ = per_second;
  admitted_ = {};
}

std::optional<AdmissionControl::Refusal> AdmissionControl::look(Lane lane) {
  const std::lock_guard lock(mutex_);
  return refusal(lane);
}

std::optional<AdmissionControl::Refusal> AdmissionControl::admit(Lane lane) {
  const std::lock_guard lock(mutex_);
  std::optional<Refusal> refused = refusal(lane);
  if (!refused) ++admitted_[index_of(lane)];
  return refused;
}

std::optional<AdmissionControl::Refusal> AdmissionControl::refusal(Lane lane) const {
  const LaneDepth& depth = queue_.of(lane);
  const bool is_bulk = lane == Lane::bulk;
  const std::uint64_t depth_max = is_bulk ? limits_.bulk_depth : limits_.interactive_depth;
  const std::uint64_t waiting =
      depth.waiting + depth.delayed + unqueued_ + admitted_[index_of(lane)];
  const std::string name(name_of(lane));
  if (waiting >= depth_max) {
    // Until an eighth of the room is free again.
    const double too_many = static_cast<double>(waiting - depth_max) +
                            static_cast<double>(std::max<std::uint64_t>(depth_max / 8, 1));
    return Refusal{
        queue_is_full(std::to_string(waiting) + " documents wait in the " + name + " lane",
                      within_bounds(too_many / std::max(per_second_, 0.1))),
        Rejection::depth};
  }
  if (!is_bulk && depth.oldest > limits_.interactive_age) {
    const auto oldest = std::chrono::duration_cast<std::chrono::seconds>(depth.oldest);
    return Refusal{
        queue_is_full(
            "a document has waited for " + std::to_string(oldest.count()) + " s in the " + name +
                " lane",
            within_bounds(std::chrono::duration<double>(oldest - limits_.interactive_age).count())),
        Rejection::age};
  }
  return std::nullopt;
}

}  // namespace penstock
