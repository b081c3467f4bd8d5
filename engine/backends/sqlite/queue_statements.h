// What the broker asks of its file, and how it reads the answers.
#pragma once

#include "engine/backends/sqlite/database.h"
#include "engine/io/broker.h"

namespace penstock {

// ?1 is the queue throughout, ?2 the key or the lane.
struct QueueStatements {
  explicit QueueStatements(Database& database);

  Statement find, put, follow, follower, remove, remove_follower, size, end_delays, expired, next,
      lease, is_empty, owned, wait_again, bury, renew, count, dead, revive, report, forget_workers,
      forget_worker, workers;
};

// Of `find` and `dead`; and of those that answer with a claim.
QueuedDocument read_document(const Statement& row);
Claim read_claim(const Statement& row);

// Parameters 2 to 7 of `put` and `follow`.
void bind_claim(Statement& statement, const Claim& claim);

}  // namespace penstock
