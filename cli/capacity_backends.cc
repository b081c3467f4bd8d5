#include "cli/capacity_backends.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "cli/fleet.h"
#include "cli/objects.h"
#include "cli/option_groups.h"
#include "cli/store.h"
#include "cli/wiring.h"
#include "engine/core/error.h"
#include "engine/pipeline/pipeline.h"

namespace penstock {
namespace {

constexpr std::uint32_t worker_concurrency = 50;

StoreOptions options_of(const StorePlace& place) {
  return {place.store, place.ledger, place.vectors};
}

void parse(CLI::App& app, std::vector<std::string> arguments) {
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    throw FatalError("[system] arguments: " + std::string(error.what()));
  }
}

// What a worker has besides is the profile's to say.
EngineOptions engine_options_in(const std::vector<std::string>& arguments,
                                const std::function<void(CLI::App&)>& add_others = {}) {
  EngineOptions options;
  options.documents_in_flight = worker_concurrency;
  CLI::App app;
  app.set_help_flag();
  add_engine(app, options, "--concurrency,--documents-in-flight");
  if (add_others) add_others(app);
  parse(app, arguments);
  return options;
}

class WiredQueue final : public FleetQueue {
 public:
  WiredQueue(const FleetPlace& place, const ObjectOptions& objects)
      : fleet_{place.queue, place.queue_name},
        broker_(open_broker(fleet_, {})),
        events_(open_events(fleet_)),
        objects_(objects) {}

  Broker& broker() override { return *broker_; }
  Events& events() override { return *events_; }
  BlobStore& blobs() override { return objects_; }

 private:
  const FleetOptions fleet_;
  const std::unique_ptr<Broker> broker_;
  const std::unique_ptr<Events> events_;
  Objects objects_;
};

class StoreRecords final : public Records {
 public:
  explicit StoreRecords(const StorePlace& place)
      : store_(open_store_for_reading(options_of(place))) {}

  Ledger& ledger() override { return *store_.ledger; }
  VectorStore& vectors() override { return *store_.vectors; }

 private:
  Store store_;
};

class WiredEngine final : public LocalEngine {
 public:
  WiredEngine(const StorePlace& place, const EngineOptions& options)
      : engine_(options), store_(open_store_for_writing(options_of(place), engine_)) {}

  std::uint32_t documents_in_flight_max() const override {
    return engine_.options().documents_in_flight;
  }

  Result<void> run(WorkQueue& interactive, WorkQueue& bulk, BlobStore& contents) override {
    const PipelineParts wired = engine_.parts(bulk, store_);
    return Pipeline({bulk, contents, wired.extract, wired.tokenizer, wired.quota, wired.embedder,
                     wired.ledger, wired.vectors, wired.cache, &interactive},
                    engine_.pipeline_options(), [](const FinishedDocument&) {})
        .run();
  }

  void hurry() override { engine_.service().quota().stop(); }

 private:
  Engine engine_;
  Store store_;
};

}  // namespace

Backends capacity_backends() {
  Backends backends;
  backends.engine = [](const StorePlace& place, const std::vector<std::string>& arguments) {
    return std::make_unique<WiredEngine>(place, engine_options_in(arguments));
  };
  backends.queue = [](const FleetPlace& place, const std::vector<std::string>& arguments) {
    QueueOptions unused;
    const EngineOptions engine =
        engine_options_in(arguments, [&](CLI::App& app) { add_queue(app, unused); });
    return std::make_unique<WiredQueue>(place, engine.objects);
  };
  backends.records = [](const StorePlace& place) { return std::make_unique<StoreRecords>(place); };
  return backends;
}

}  // namespace penstock
