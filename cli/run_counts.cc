#include "cli/run_counts.h"

namespace penstock {

void RunCounter::count(const FinishedDocument& document) {
  const std::lock_guard lock(mutex_);
  if (document.claim.is_removal()) {
    ++counts_.removed;
    return;
  }
  ++counts_.documents[static_cast<std::size_t>(document.outcome)];
  ++counts_.seen;
  if (is_failure(document.outcome)) ++counts_.failed;
  if (document.version && !versions_.insert(*document.version).second) ++counts_.duplicates;
  if (document.unchanged) {
    ++counts_.unchanged;
    return;
  }
  if (document.outcome == Outcome::done) ++counts_.made;
  if (is_warning(document.outcome, document.message)) ++counts_.warned;
  counts_.bytes += document.claim.stamp.bytes;
  counts_.pages += document.pages;
  counts_.chunks += document.chunks;
  counts_.tokens += document.tokens;
  counts_.cached_tokens += document.cached_tokens;
  counts_.stages += document.times;
}

RunCounts RunCounter::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace penstock
