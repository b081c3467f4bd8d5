// What a fleet shares, chosen by URL: its broker and its budget.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/embedding_service.h"
#include "cli/options.h"
#include "engine/io/broker.h"

namespace penstock {

// Throws FatalError when the URL is none, or nobody answers there.
std::unique_ptr<Broker> open_broker(const FleetOptions& options, const BrokerOptions& broker);

// The budget that workers share of each key, kept where the queue is. Empty where that is a file:
// each process then has the whole of it. Throws FatalError, when called, as open_broker does.
EmbeddingService::OpenSharedBudget shared_budget_of(const FleetOptions& options);

// What is used of the quotas that these workers share. Throws FatalError.
std::vector<BudgetUse> quotas_of(const FleetOptions& options,
                                 const std::vector<WorkerReport>& workers);

// Of a worker of this process, with a name of its own.
BrokerOptions broker_options(const QueueOptions& options, bool until_empty);

// HOST-PROCESS-RANDOM: no other worker has it.
std::string new_worker_name();

}  // namespace penstock
