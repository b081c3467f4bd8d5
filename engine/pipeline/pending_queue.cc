#include "engine/pipeline/pending_queue.h"

#include <utility>

namespace penstock {

PendingQueue::PendingQueue(Ledger& ledger, Inspect inspect) : inspect_(std::move(inspect)) {
  const auto read = ledger.for_each([this](const DocumentRecord& record) {
    if (record.outcome == Outcome::pending) claims_.push_back(record.claim);
    return true;
  });
  if (!read) throw FatalError(read.error().message);
}

std::optional<Claim> PendingQueue::claim() {
  if (closed_ || next_ == claims_.size()) return std::nullopt;
  Claim claim = std::move(claims_[next_++]);
  claim.stamp = inspect_(claim.location).value_or(SourceStamp{});
  return claim;
}

}  // namespace penstock
