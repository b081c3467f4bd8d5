#include <fmt/format.h>
#include <malloc.h>
#include <openssl/rand.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "cli/backend_url.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fleet.h"
#include "cli/fleet_worker.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/objects.h"
#include "cli/wiring.h"
#include "engine/core/uri.h"
#include "engine/service/service.h"
#include "reports/format.h"

namespace penstock {
namespace {

// For what blocks on a disk, a database or an object store, in behalf of a client.
constexpr std::size_t io_threads = 64;
constexpr std::size_t http_threads = 2;
constexpr int work_niceness = 10;
// Documents in a queue; what is more is refused long before by the limits of the lanes.
constexpr std::uint64_t documents_max = 10'000'000;

// A client is a descriptor, and each upload has another.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// A part of a body has 128 KB, and there are a thousand at a time. From the heap they would leave
// it in pieces: it grew with each burst, by 100 MB in six. Mapped, they are given back. SQLite's
// pages, 86 KB for each transaction, are not: to map and unmap them took longer than to write.
void give_back_buffers() {
  constexpr int mapped_bytes_min = 96 << 10;
  mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
}

bool is_in_file(const FleetOptions& fleet) {
  return parse_backend_url(fleet.queue_url).scheme == "sqlite";
}

// With what was left open.
ServeOptions completed(ServeOptions options) {
  if (options.fleet.queue_url.empty()) options.fleet.queue_url = "sqlite:" + options.store.store;
  if (!options.workers) options.workers = is_in_file(options.fleet) ? 1 : 0;
  if (options.blobs.empty()) options.blobs = options.store.store + ".blobs";
  while (options.blobs.size() > 1 && options.blobs.ends_with('/')) options.blobs.pop_back();
  if (!is_object(options.blobs))
    options.blobs = std::filesystem::absolute(options.blobs).lexically_normal().string();
  options.engine.documents_in_flight *= std::max<std::uint32_t>(*options.workers, 1);
  return options;
}

void refuse_the_open_world(const ServeOptions& options) {
  if (options.api_keys.empty() && !is_this_machine(options.listen))
    throw FatalError("--listen " + options.listen +
                     " is open to other machines, and everybody may do everything without "
                     "--api-keys; penstock keys add makes it");
}

Secret link_secret() {
  const char* const secret = std::getenv("PENSTOCK_LINK_SECRET");
  constexpr std::size_t bytes_min = 16;
  if (secret != nullptr && std::string_view(secret).size() < bytes_min)
    throw FatalError(
        "PENSTOCK_LINK_SECRET has less than 16 characters; openssl rand -hex 32 "
        "makes a good one");
  if (secret != nullptr) return Secret(secret);
  std::string random(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()),
                 static_cast<int>(random.size())) != 1)
    throw FatalError("the system gives no random numbers");
  return Secret(std::move(random));
}

void log_line(bool json, const std::string& line) {
  if (json) {
    print_json_line({{"event", "trouble"}, {"message", line}});
  } else {
    fmt::print(stderr, "penstock: {}\n", printable(line));
  }
}

// What throws at start-up is an error here: the service goes on.
template <typename Value, typename Call>
Result<Value> attempted(const Call& call) {
  try {
    return call();
  } catch (const FatalError& error) {
    return retryable_error(error.what());
  }
}

// The work of this process for its own queue.
class OwnWorker {
 public:
  OwnWorker(const ServeOptions& options, Engine& engine, Store& store, Events& events) {
    const BrokerOptions broker = broker_options(options.queue, false);
    FleetWorkerOptions settings;
    settings.name = broker.worker;
    settings.drain_timeout = std::chrono::seconds(options.queue.drain_timeout_s);
    settings.events = &events;
    settings.before_giving_up = [] {};
    settings.gave_up = [json = options.json](std::size_t documents) {
      end_after_giving_up(documents, json);
    };
    worker_.emplace(engine, store, open_broker(options.fleet, broker), settings);
    thread_ = std::thread([this, json = options.json] {
      // Of this thread, and of those that it starts: who uploads waits, and the work does not mind.
      setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), work_niceness);
      const Result<void> ran = worker_->run({});
      if (ran) return;
      // Its store or its embedding service is of no use: as a worker, it ends, and is started
      // again.
      log_line(json, ran.error().message);
      std::fflush(stdout);
      std::_Exit(exit_fatal);
    });
  }
  ~OwnWorker() {
    drain();
    thread_.join();
  }
  OwnWorker(const OwnWorker&) = delete;
  OwnWorker& operator=(const OwnWorker&) = delete;

  void drain() { worker_->drain(); }

 private:
  std::optional<FleetWorker> worker_;
  std::thread thread_;
};

// As the worker of this process uses it, if no fleet shares it.
std::vector<BudgetUse> own_quota(const EmbeddingService& service, const std::string& endpoint) {
  const std::optional<ThrottleState> state = service.throttle_state();
  if (!state) return {};
  BudgetUse use;
  use.terms.endpoint = endpoint;
  for (const KeyState& key : state->keys) {
    KeyUse one;
    one.requests_per_minute = key.requests_per_minute.value_or(0);
    one.tokens_per_minute = key.tokens_per_minute.value_or(0);
    one.requests = static_cast<std::uint64_t>(key.requests_utilisation *
                                              static_cast<double>(one.requests_per_minute));
    one.tokens = static_cast<std::uint64_t>(key.tokens_utilisation *
                                            static_cast<double>(one.tokens_per_minute));
    one.paused_for = key.paused_for;
    use.keys.push_back(one);
  }
  return {use};
}

std::string url_of(const ServeOptions& options, const std::string& address) {
  return (options.certificate_file.empty() ? "http://" : "https://") + address + "/";
}

}  // namespace

int run_serve(const ServeOptions& given) {
  Interrupt interrupt;
  raise_descriptor_limit();
  give_back_buffers();
  const ServeOptions options = completed(given);
  refuse_the_open_world(options);
  const auto log = [json = options.json](const std::string& line) { log_line(json, line); };
  std::unique_ptr<KeyRing> keys;
  if (!options.api_keys.empty()) keys = std::make_unique<KeyRing>(options.api_keys, log);

  Engine engine(options.engine, shared_budget_of(options.fleet));
  Store store = open_store_for_writing(options.store, engine);
  open_catalog(store, options.store);
  // Its own connections: the worker's writer is not to wait for a search.
  const Store reading = open_store_for_reading(options.store);
  const std::unique_ptr<Events> events = open_events(options.fleet);
  BrokerOptions front;
  front.documents_max = documents_max;
  const std::unique_ptr<Broker> broker = open_broker(options.fleet, front);
  Objects blobs(options.engine.objects);
  Metrics metrics;
  AdmissionControl admission({options.interactive_depth, options.bulk_depth,
                              std::chrono::seconds(options.interactive_age_s)});
  Tracker tracker(*events, metrics);
  IoThreads threads(io_threads);

  std::optional<OwnWorker> worker;
  if (*options.workers > 0) worker.emplace(options, engine, store, *events);

  ServiceParts parts{
      *store.catalog,
      *broker,
      *reading.ledger,
      *reading.vectors,
      blobs,
      *events,
      metrics,
      admission,
      tracker,
      threads,
      options.blobs,
      options.region,
      link_secret(),
      [&](const std::string& query) {
        return attempted<std::vector<float>>([&] { return engine.service().embed(query); });
      },
      [&](const std::vector<WorkerReport>& workers) {
        if (is_in_file(options.fleet))
          return own_quota(engine.service(), options.engine.embedder.url);
        return attempted<std::vector<BudgetUse>>([&] { return quotas_of(options.fleet, workers); })
            .value_or(std::vector<BudgetUse>());
      },
      [&](Metrics& each_second) {
        if (!store.ledger_pool) return;
        const PostgresPool::Use use = store.ledger_pool->use();
        each_second.database_connections(use.busy, use.idle);
      },
      log};
  ServiceOptions service_options;
  service_options.http.listen = options.listen;
  service_options.http.threads = http_threads;
  service_options.http.certificate_file = options.certificate_file;
  service_options.http.key_file = options.key_file;
  service_options.http.complain = log;
  service_options.document_bytes_max = options.engine.document_bytes;
  service_options.version = PENSTOCK_VERSION;
  Service service(std::move(parts), std::move(service_options), std::move(keys));
  if (options.json) {
    print_json_line({{"event", "serving"},
                     {"url", url_of(options, service.address())},
                     {"workers", *options.workers}});
  } else {
    fmt::print("penstock serves {}\n", url_of(options, service.address()));
    std::fflush(stdout);
  }
  interrupt.wait();
  if (options.json) print_json_line({{"event", "draining"}});
  if (worker) worker->drain();
  service.drain(std::chrono::seconds(options.queue.drain_timeout_s));
  return exit_done;
}

}  // namespace penstock
