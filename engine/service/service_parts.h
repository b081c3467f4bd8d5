// What the service is made of. All of it outlives the service, and every call.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "engine/core/io_threads.h"
#include "engine/core/secret.h"
#include "engine/io/blob_store.h"
#include "engine/io/broker.h"
#include "engine/io/catalog.h"
#include "engine/io/events.h"
#include "engine/io/ledger.h"
#include "engine/io/shared_budget.h"
#include "engine/io/vector_store.h"
#include "engine/service/admission_control.h"
#include "engine/service/metrics.h"
#include "engine/service/tracker.h"

namespace penstock {

struct ServiceParts {
  Catalog& catalog;
  Broker& broker;  // without a worker's name: to enqueue and to look
  Ledger& ledger;
  VectorStore& vectors;  // to search; any thread
  BlobStore& blobs;
  Events& events;
  Metrics& metrics;
  AdmissionControl& admission;
  Tracker& tracker;
  IoThreads& threads;      // for what blocks
  std::string blobs_root;  // a folder, or s3://BUCKET/PREFIX; without a slash at its end
  std::string region;      // of documents that name none
  Secret link_secret;      // signs links
  // The vector of a query. Blocks.
  std::function<Result<std::vector<float>>(const std::string&)> embed;
  // What the workers share of the embedding service's quota. Blocks.
  std::function<std::vector<BudgetUse>(const std::vector<WorkerReport>&)> quotas;
  // Asked once a second, for what only who wired the parts knows: sets further metrics.
  std::function<void(Metrics&)> sample;
  // One line for the service's owner.
  std::function<void(const std::string&)> log;
};

}  // namespace penstock
