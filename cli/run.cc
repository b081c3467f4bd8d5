#include "cli/run.h"

#include <sys/resource.h>

#include <chrono>
#include <utility>

#include "engine/pipeline/pending_queue.h"
#include "engine/pipeline/store_writer.h"

namespace penstock {
namespace {

std::chrono::duration<double> cpu_time_of(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto time = [](const timeval& value) {
    return std::chrono::duration<double>(static_cast<double>(value.tv_sec) +
                                         static_cast<double>(value.tv_usec) * 1e-6);
  };
  return time(usage.ru_utime) + time(usage.ru_stime);
}

}  // namespace

RunSummary summarise(const Result<void>& ran, Engine& engine, const RunCounter& counter,
                     const Interrupt& interrupt, TimePoint started) {
  engine.stop_extraction();
  const bool was_stopped = !ran && ran.error().kind == ErrorKind::cancelled;
  if (!ran && !was_stopped) throw FatalError(ran.error().message);

  RunSummary summary;
  if (was_stopped && !interrupt.happened()) summary.stopped = ran.error().message;
  summary.quota = engine.service().throttle_state();
  summary.price_per_million = engine.options().price_per_million;
  summary.counts = counter.counts();
  summary.interrupted = interrupt.happened();
  summary.wall = std::chrono::steady_clock::now() - started;
  summary.cpu_engine = cpu_time_of(RUSAGE_SELF);
  summary.cpu_extraction = cpu_time_of(RUSAGE_CHILDREN);
  return summary;
}

RunSummary run_pipeline(Engine& engine, Store& store, WorkQueue& queue, PipelineOptions options,
                        const Expected& expected, Interrupt& interrupt, bool json,
                        const Pipeline::Observer& observe) {
  const TimePoint started = std::chrono::steady_clock::now();
  const bool dry_run = options.measure_only;
  if (!dry_run) {
    if (const auto recovered = recover(*store.ledger, *store.vectors); !recovered)
      throw FatalError(recovered.error().message);
  }

  RunCounter counter;
  Result<void> ran;
  {
    Progress progress(json, counter, expected, engine.service());
    Pipeline pipeline(engine.parts(queue, store), std::move(options),
                      [&](const FinishedDocument& document) {
                        counter.count(document);
                        progress.finished(document);
                        if (observe) observe(document);
                      });
    interrupt.on_first([&] {
      progress.draining();
      queue.close();
      engine.service().quota().stop();
    });
    ran = pipeline.run();
    interrupt.on_first({});
  }
  RunSummary summary = summarise(ran, engine, counter, interrupt, started);
  summary.dry_run = dry_run;
  if (!dry_run && !summary.interrupted) {
    if (const auto built = store.vectors->build_index(); !built)
      throw FatalError(built.error().message);
  }
  return summary;
}

int process_pending(Engine& engine, Store& store, const StoreOptions& options, Interrupt& interrupt,
                    bool json) {
  PendingQueue pending(*store.ledger,
                       [&](const std::string& location) { return engine.stamp_of(location); });
  Expected expected;
  expected.documents = pending.size();
  expected.complete = true;
  const RunSummary summary =
      run_pipeline(engine, store, pending, engine.pipeline_options(), expected, interrupt, json);
  print_summary(summary, flags_of(options), json);
  return summary.exit_code();
}

}  // namespace penstock
