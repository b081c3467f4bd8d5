// What a fleet shares, chosen by URL: its broker, its budget and its news.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/embedding_service.h"
#include "cli/options.h"
#include "engine/io/broker.h"
#include "engine/io/events.h"

namespace penstock {

// Throws FatalError when the URL is none, or nobody answers there.
std::unique_ptr<Broker> open_broker(const FleetOptions& options, const BrokerOptions& broker);

// The budget that workers share of each key, kept where the queue is. Empty where that is a file:
// each process then has the whole of it. Throws FatalError, when called, as open_broker does.
EmbeddingService::OpenSharedBudget shared_budget_of(const FleetOptions& options);

// News of the queue's documents, told where the queue is. Those of a queue in a file are heard by
// what this process subscribes to the same object, and by nobody else. Throws FatalError for a URL
// that is none.
std::unique_ptr<Events> open_events(const FleetOptions& options);

// What is used of the quotas that these workers share. Throws FatalError.
std::vector<BudgetUse> quotas_of(const FleetOptions& options,
                                 const std::vector<WorkerReport>& workers);

// Of a worker of this process, with a name of its own.
BrokerOptions broker_options(const QueueOptions& options, bool until_empty);

// HOST-PROCESS-RANDOM: no other worker has it.
std::string new_worker_name();

}  // namespace penstock
