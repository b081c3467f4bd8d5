#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fleet.h"
#include "cli/json.h"
#include "cli/outcomes.h"
#include "cli/run.h"
#include "reports/format.h"

namespace penstock {
namespace {

// Queues dead letters of these outcomes, and of these keys, for the workers.
int retry_dead_letters(const RetryOptions& options, const std::vector<Outcome>& outcomes) {
  const std::unique_ptr<Broker> broker = open_broker(options.fleet, {});
  std::vector<std::string> keys = options.keys;
  const auto listed = broker->for_each_dead([&](const QueuedDocument& letter) {
    if (std::ranges::find(outcomes, letter.outcome) != outcomes.end())
      keys.push_back(letter.claim.key);
    return true;
  });
  if (!listed) throw FatalError(listed.error().message);
  const Result<std::uint64_t> retried = broker->retry(keys);
  if (!retried) throw FatalError(retried.error().message);
  if (options.json) {
    print_json_line({{"event", "retried"}, {"documents", *retried}});
  } else {
    fmt::print("Queued {} again\n", counted(*retried, "dead letter"));
  }
  return exit_done;
}

}  // namespace

int run_retry(const RetryOptions& options) {
  std::vector<Outcome> outcomes = outcomes_named(options.outcomes);
  if (options.failed)
    for (const Outcome outcome : all_outcomes)
      if (is_failure(outcome)) outcomes.push_back(outcome);
  if (outcomes.empty() && options.keys.empty())
    throw FatalError("retry what? --failed, --outcome NAME, or the documents' keys");

  if (!options.fleet.queue_url.empty()) return retry_dead_letters(options, outcomes);

  Interrupt interrupt;
  Engine engine(options.engine);
  Store store = open_store_for_writing(options.store, engine);
  if (const auto put_back = store.ledger->put_back(outcomes); !put_back)
    throw FatalError(put_back.error().message);
  for (const std::string& key : options.keys) {
    const auto known = store.ledger->find(key);
    if (!known) throw FatalError(known.error().message);
    if (!*known)
      throw FatalError(key + ": no such document; penstock status --outcome done lists keys");
    if (const auto put_back = store.ledger->put_back(key); !put_back)
      throw FatalError(put_back.error().message);
  }

  return process_pending(engine, store, options.store, interrupt, options.json);
}

}  // namespace penstock
