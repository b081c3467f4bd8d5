#include "engine/backends/sqlite/queue_statements.h"

#include <string>
#include <string_view>

namespace penstock {
namespace {

QueuedDocument::State state_named(std::string_view name) {
  using State = QueuedDocument::State;
  if (name == "leased") return State::leased;
  if (name == "delayed") return State::delayed;
  return name == "dead" ? State::dead : State::waiting;
}

}  // namespace

#define PENSTOCK_CLAIM_COLUMNS "key, location, metadata, bytes, modified_ns, changed_ns"
#define PENSTOCK_DOCUMENT_COLUMNS                                                     \
  PENSTOCK_CLAIM_COLUMNS                                                              \
  ", state, lane, attempts, outcome, reason, "                                        \
  "EXISTS (SELECT 1 FROM queue_followers AS next WHERE next.queue = queue.queue AND " \
  "next.key = queue.key)"

QueueStatements::QueueStatements(Database& database)
    : find(database.prepare("SELECT " PENSTOCK_DOCUMENT_COLUMNS
                            " FROM queue WHERE queue = ?1 AND key = ?2")),
      put(database.prepare(
          "INSERT INTO queue (queue, " PENSTOCK_CLAIM_COLUMNS
          ", lane, state, position, at_ms, attempts, retried, worker, outcome, reason) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', "
          "(SELECT coalesce(max(position), 0) + 1 FROM queue WHERE queue = ?1 AND lane = ?8 "
          "AND state = 'waiting'), ?9, 0, 0, '', '', '') "
          "ON CONFLICT DO UPDATE SET location = ?3, metadata = ?4, bytes = ?5, "
          "modified_ns = ?6, changed_ns = ?7, lane = ?8, state = 'waiting', "
          "position = excluded.position, at_ms = ?9, attempts = 0, retried = 0, worker = '', "
          "outcome = '', "
          "reason = ''")),
      follow(
          database.prepare("INSERT OR REPLACE INTO queue_followers (queue, " PENSTOCK_CLAIM_COLUMNS
                           ", lane) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")),
      follower(database.prepare("SELECT " PENSTOCK_CLAIM_COLUMNS
                                ", lane FROM queue_followers WHERE queue = ?1 AND key = ?2")),
      remove(database.prepare("DELETE FROM queue WHERE queue = ?1 AND key = ?2")),
      remove_follower(
          database.prepare("DELETE FROM queue_followers WHERE queue = ?1 AND key = ?2")),
      size(database.prepare("SELECT count(*) FROM queue WHERE queue = ?1 AND lane = ?2 AND "
                            "state IN ('waiting', 'leased')")),
      end_delays(database.prepare("UPDATE queue SET state = 'waiting' WHERE queue = ?1 AND "
                                  "lane = ?2 AND state = 'delayed' AND at_ms <= ?3")),
      expired(database.prepare("SELECT key FROM queue WHERE queue = ?1 AND lane = ?2 AND "
                               "state = 'leased' AND at_ms <= ?3 AND worker <> ?4")),
      next(database.prepare("SELECT " PENSTOCK_CLAIM_COLUMNS
                            ", attempts > 0 OR retried FROM queue WHERE queue = ?1 AND lane = ?2 "
                            "AND state = 'waiting' "
                            "ORDER BY position LIMIT ?3")),
      lease(database.prepare("UPDATE queue SET state = 'leased', worker = ?3, at_ms = ?4 "
                             "WHERE queue = ?1 AND key = ?2")),
      is_empty(database.prepare("SELECT NOT EXISTS (SELECT 1 FROM queue WHERE queue = ?1 AND "
                                "lane = ?2 AND state <> 'dead')")),
      owned(database.prepare("SELECT attempts FROM queue WHERE queue = ?1 AND key = ?2 AND "
                             "state = 'leased' AND worker = ?3")),
      wait_again(database.prepare("UPDATE queue SET state = ?3, at_ms = ?4, attempts = ?5, "
                                  "worker = '' WHERE queue = ?1 AND key = ?2")),
      bury(database.prepare("UPDATE queue SET state = 'dead', attempts = ?3, worker = '', "
                            "outcome = ?4, reason = ?5 WHERE queue = ?1 AND key = ?2")),
      renew(database.prepare("UPDATE queue SET at_ms = ?3 WHERE queue = ?1 AND worker = ?2 AND "
                             "state = 'leased'")),
      count(database.prepare("SELECT lane, state, count(*), min(at_ms) FROM queue "
                             "WHERE queue = ?1 GROUP BY lane, state")),
      dead(database.prepare("SELECT " PENSTOCK_DOCUMENT_COLUMNS
                            " FROM queue WHERE queue = ?1 AND state = 'dead' ORDER BY key")),
      revive(database.prepare(
          "UPDATE queue SET state = 'waiting', at_ms = ?3, attempts = 0, retried = 1, "
          "outcome = '', reason = '' WHERE queue = ?1 AND key = ?2 AND state = 'dead' RETURNING "
          "1")),
      report(database.prepare("INSERT OR REPLACE INTO queue_workers VALUES (?1, ?2, ?3, ?4)")),
      forget_workers(database.prepare("DELETE FROM queue_workers WHERE queue = ?1 AND at_ms < ?2")),
      forget_worker(database.prepare("DELETE FROM queue_workers WHERE queue = ?1 AND worker = ?2")),
      workers(database.prepare(
          "SELECT report FROM queue_workers WHERE queue = ?1 AND at_ms >= ?2 ORDER BY worker")) {}

Claim read_claim(const Statement& row) {
  return {std::string(row.bytes(0)),
          std::string(row.bytes(1)),
          std::string(row.bytes(2)),
          {row.natural(3), row.integer(4), row.integer(5)}};
}

QueuedDocument read_document(const Statement& row) {
  QueuedDocument document;
  document.state = state_named(row.bytes(6));
  document.claim = read_claim(row);
  document.lane = row.bytes(7) == name_of(Lane::bulk) ? Lane::bulk : Lane::interactive;
  document.attempts = static_cast<std::uint32_t>(row.integer(8));
  document.outcome = outcome_named(row.bytes(9)).value_or(Outcome::failed);
  document.reason = row.bytes(10);
  document.is_followed = row.integer(11) != 0;
  return document;
}

void bind_claim(Statement& statement, const Claim& claim) {
  statement.bind_text(2, claim.key)
      .bind_blob(3, claim.location)
      .bind_text(4, claim.metadata)
      .bind(5, claim.stamp.bytes)
      .bind(6, claim.stamp.modified_ns)
      .bind(7, claim.stamp.changed_ns);
}

}  // namespace penstock
