#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/backend_url.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fleet.h"
#include "cli/fleet_view.h"
#include "cli/json.h"
#include "cli/outcomes.h"
#include "cli/store.h"
#include "cli/terminal.h"
#include "reports/format.h"

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
  const auto listed = broker.for_each_dead([&](const QueuedDocument& letter) {
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

FleetState fleet_state(const FleetOptions& options, Broker& broker) {
  const Result<BrokerState> queue = broker.state();
  if (!queue) throw FatalError(queue.error().message);
  Result<std::vector<WorkerReport>> workers = broker.workers();
  if (!workers) throw FatalError(workers.error().message);
  std::vector<BudgetUse> quotas = quotas_of(options, *workers);
  return {*queue, *std::move(workers), std::move(quotas)};
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
  const bool is_list = !outcomes.empty() || options.warnings;

  std::unique_ptr<Broker> broker;
  if (!options.fleet.queue_url.empty()) broker = open_broker(options.fleet, {});
  Json totals = Json::object();
  // Who looks after a fleet need not have its store at hand.
  if (!broker || store_exists(options.store)) {
    const Store store = open_store_for_reading(options.store);
    list_documents(*store.ledger, outcomes, options.warnings, options.json);
    const Result<LedgerTotals> ledger = store.ledger->totals();
    if (!ledger) throw FatalError(ledger.error().message);
    const Result<VersionCount> vectors = store.vectors->totals();
    if (!vectors) throw FatalError(vectors.error().message);
    const Result<std::vector<VersionName>> intents = store.ledger->intents();
    if (!intents) throw FatalError(intents.error().message);
    totals = totals_json(*ledger, *vectors, intents->size());
    if (!options.json && !is_list) {
      print_totals(options.store, *ledger, *vectors, intents->size());
      if (broker) fmt::print("\n");
    }
  }
  if (broker && options.failed) list_dead_letters(*broker, options.json);
  if (broker && (options.json || !is_list)) {
    const FleetState fleet = fleet_state(options.fleet, *broker);
    totals["queue"] = fleet_json(fleet);
    if (!options.json)
      fmt::print("{}\n\n{}", printable(without_password(options.fleet.queue_url)),
                 fleet_text(fleet, terminal_columns(STDOUT_FILENO)));
  }
  if (options.json) print_json_line(totals);
  return exit_done;
}

}  // namespace penstock
