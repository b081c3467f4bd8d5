#include "cli/fleet.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <random>
#include <set>
#include <utility>

#include "cli/backend_url.h"
#include "engine/backends/redis/redis_broker.h"
#include "engine/backends/redis/redis_budget.h"
#include "engine/backends/sqlite/sqlite_broker.h"

namespace penstock {
namespace {

bool is_redis(const BackendUrl& url) {
  return url.scheme == "redis" || url.scheme == "rediss" || url.scheme == "redis+cluster";
}

}  // namespace

std::unique_ptr<Broker> open_broker(const FleetOptions& options, const BrokerOptions& broker) {
  BrokerOptions named = broker;
  named.queue = options.queue;
  const BackendUrl url = parse_backend_url(options.queue_url);
  if (url.scheme == "sqlite" && !url.rest.empty())
    return std::make_unique<SqliteBroker>(url.rest, named);
  if (is_redis(url)) return std::make_unique<RedisBroker>(options.queue_url, named);
  throw FatalError("--queue " + without_password(options.queue_url) +
                   ": not a known URL; write redis://HOST, redis+cluster://HOST:PORT,... or "
                   "sqlite:PATH");
}

EmbeddingService::OpenSharedBudget shared_budget_of(const FleetOptions& options) {
  if (!is_redis(parse_backend_url(options.queue_url))) return {};
  return [url = options.queue_url](const BudgetTerms& terms) {
    return std::make_unique<RedisBudget>(url, terms);
  };
}

std::vector<BudgetUse> quotas_of(const FleetOptions& options,
                                 const std::vector<WorkerReport>& workers) {
  std::set<std::string> names;
  for (const WorkerReport& worker : workers)
    if (!worker.budget.empty()) names.insert(worker.budget);
  std::vector<BudgetUse> quotas;
  for (const std::string& name : names)
    if (auto use = use_of_budget(options.queue_url, name)) quotas.push_back(*std::move(use));
  return quotas;
}

BrokerOptions broker_options(const QueueOptions& options, bool until_empty) {
  BrokerOptions broker;
  broker.worker = new_worker_name();
  broker.lease = std::chrono::seconds(options.lease_s);
  broker.attempts_max = options.attempts_max;
  broker.backoff = std::chrono::seconds(options.backoff_s);
  broker.until_empty = until_empty;
  return broker;
}

std::string new_worker_name() {
  std::array<char, 65> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {"unknown"};
  return fmt::format("{}-{}-{:04x}", host.data(), getpid(), std::random_device()() & 0xffff);
}

}  // namespace penstock
