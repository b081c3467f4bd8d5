#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "cli/backend_url.h"
#include "cli/commands.h"
#include "cli/fleet.h"
#include "cli/fleet_worker.h"
#include "cli/json.h"
#include "cli/run.h"
#include "reports/format.h"

namespace penstock {

int run_worker(const WorkerOptions& options) {
  Interrupt interrupt;
  Engine engine(options.engine, shared_budget_of(options.fleet));
  Store store = open_store_for_writing(options.store, engine);
  const std::unique_ptr<Events> events = open_events(options.fleet);
  const BrokerOptions broker_settings = broker_options(options.queue, options.until_empty);
  FleetWorkerOptions settings;
  settings.name = broker_settings.worker;
  settings.drain_timeout = std::chrono::seconds(options.queue.drain_timeout_s);
  settings.events = events.get();
  settings.json = options.json;
  std::optional<Progress> progress;
  settings.before_giving_up = [&] { progress->stop(); };
  settings.gave_up = [&](std::size_t documents) { end_after_giving_up(documents, options.json); };
  // Before the pipeline ends it gives back what it could not do: the broker outlives it.
  FleetWorker worker(engine, store, open_broker(options.fleet, broker_settings), settings);
  if (options.json) {
    print_json_line({{"event", "worker"}, {"worker", settings.name}});
  } else {
    fmt::print(stderr, "{} works for {}\n", settings.name,
               printable(without_password(options.fleet.queue_url)));
  }

  const TimePoint started = std::chrono::steady_clock::now();
  const Expected expected;
  progress.emplace(options.json, worker.counter(), expected, engine.service(), &worker.broker());
  interrupt.on_first([&] {
    progress->draining();
    worker.drain();
  });
  const Result<void> ran =
      worker.run([&](const FinishedDocument& document) { progress->finished(document); });
  interrupt.on_first({});
  progress->stop();
  RunSummary summary = summarise(ran, engine, worker.counter(), interrupt, started);
  // A worker has no end of its own: what it leaves is the queue's, and nobody has to go on here.
  summary.drained = std::exchange(summary.interrupted, false);
  if (options.until_empty && !summary.drained) {
    if (const auto built = store.vectors->build_index(); !built)
      throw FatalError(built.error().message);
  }
  print_summary(summary, flags_of(options.store), options.json);
  return summary.exit_code();
}

}  // namespace penstock
