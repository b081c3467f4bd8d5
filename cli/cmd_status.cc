#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/backend_url.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fleet.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/outcomes.h"
#include "cli/queue_view.h"
#include "cli/store.h"

namespace penstock {
namespace {

void print_document(const DocumentRecord& record, bool json) {
  const std::string why =
      record.message.empty() ? std::string(describe(record.outcome)) : record.message;
  if (json) {
    print_json_line({{"key", record.claim.key},
                     {"outcome", name_of(record.outcome)},
                     {"message", why},
                     {"attempts", record.attempts},
                     {"bytes", record.claim.stamp.bytes},
                     {"pages", record.current ? record.current->pages : 0},
                     {"chunks", record.current ? record.current->chunks : 0},
                     {"tokens", record.current ? record.current->tokens : 0}});
    return;
  }
  fmt::print("{:<13}  {}: {}\n", name_of(record.outcome), printable(record.claim.key),
             printable(why));
}

void list_documents(Ledger& ledger, const std::vector<Outcome>& outcomes, bool warnings,
                    bool json) {
  const auto listed = ledger.for_each([&](const DocumentRecord& record) {
    if (std::find(outcomes.begin(), outcomes.end(), record.outcome) != outcomes.end() ||
        (warnings && is_warning(record.outcome, record.message)))
      print_document(record, json);
    return true;
  });
  if (!listed) throw FatalError(listed.error().message);
}

void list_dead_letters(Broker& broker, bool json) {
  const auto listed = broker.for_each_dead([&](const DeadLetter& letter) {
    const std::string why =
        letter.reason.empty() ? std::string(describe(letter.outcome)) : letter.reason;
    if (json) {
      print_json_line({{"event", "dead_letter"},
                       {"key", letter.claim.key},
                       {"lane", name_of(letter.lane)},
                       {"outcome", name_of(letter.outcome)},
                       {"reason", why},
                       {"attempts", letter.attempts}});
    } else {
      fmt::print("dead letter    {}: {} after {}: {}\n", printable(letter.claim.key),
                 name_of(letter.outcome), counted(letter.attempts, "attempt"), printable(why));
    }
    return true;
  });
  if (!listed) throw FatalError(listed.error().message);
}

BrokerState state_of(Broker& broker) {
  const Result<BrokerState> state = broker.state();
  if (!state) throw FatalError(state.error().message);
  return *state;
}

std::vector<WorkerReport> workers_of(Broker& broker) {
  Result<std::vector<WorkerReport>> workers = broker.workers();
  if (!workers) throw FatalError(workers.error().message);
  return std::move(*workers);
}

void print_totals(const StoreOptions& options, const LedgerTotals& ledger,
                  const VersionCount& vectors, std::size_t interrupted) {
  std::uint64_t documents = 0;
  for (const auto& [outcome, count] : ledger.documents) documents += count;
  fmt::print("{}: {}\n\n", name_of(options), counted(documents, "document"));
  for (const auto& [outcome, count] : ledger.documents)
    if (count > 0)
      fmt::print("  {:<13} {:>9}  {}\n", name_of(outcome), with_commas(count), describe(outcome));
  fmt::print("\n  {} read, {}, {}, {}, {} tokens\n", human_bytes(ledger.bytes),
             counted(ledger.pages, "page"), counted(vectors.chunks, "chunk"),
             counted(vectors.vectors, "vector"), with_commas(ledger.tokens));
  if (interrupted > 0)
    fmt::print("\n  {} under way, now or when a run was stopped; the next backfill ends them\n",
               counted(interrupted, "document"));
}

Json totals_json(const LedgerTotals& ledger, const VersionCount& vectors, std::size_t interrupted) {
  Json documents = Json::object();
  for (const Outcome outcome : all_outcomes) {
    const auto count = ledger.documents.find(outcome);
    documents[std::string(name_of(outcome))] = count == ledger.documents.end() ? 0 : count->second;
  }
  return {{"documents", documents},  {"chunks", vectors.chunks}, {"vectors", vectors.vectors},
          {"pages", ledger.pages},   {"tokens", ledger.tokens},  {"bytes", ledger.bytes},
          {"under_way", interrupted}};
}

}  // namespace

int run_status(const StatusOptions& options) {
  std::vector<Outcome> outcomes = outcomes_named(options.outcomes);
  if (options.failed)
    std::copy_if(all_outcomes.begin(), all_outcomes.end(), std::back_inserter(outcomes),
                 is_failure);

  const Store store = open_store_for_reading(options.store);
  std::unique_ptr<Broker> broker;
  if (!options.fleet.queue_url.empty()) broker = open_broker(options.fleet, {});
  list_documents(*store.ledger, outcomes, options.warnings, options.json);
  if (broker && options.failed) list_dead_letters(*broker, options.json);
  const Result<LedgerTotals> ledger = store.ledger->totals();
  if (!ledger) throw FatalError(ledger.error().message);
  const Result<VersionCount> vectors = store.vectors->totals();
  if (!vectors) throw FatalError(vectors.error().message);
  const Result<std::vector<VersionName>> intents = store.ledger->intents();
  if (!intents) throw FatalError(intents.error().message);

  const bool is_list = !outcomes.empty() || options.warnings;
  if (options.json) {
    Json totals = totals_json(*ledger, *vectors, intents->size());
    if (broker) totals["queue"] = queue_json(state_of(*broker), workers_of(*broker));
    print_json_line(totals);
  } else if (!is_list) {
    print_totals(options.store, *ledger, *vectors, intents->size());
    if (broker) {
      fmt::print("\n{}\n\n", without_password(options.fleet.queue_url));
      print_queue(state_of(*broker), workers_of(*broker));
    }
  }
  return exit_done;
}

}  // namespace penstock
