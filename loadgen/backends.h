// Parts of Penstock that a run uses itself where it is no client of a service. Who knows how
// options become backends opens them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "engine/io/blob_store.h"
#include "engine/io/broker.h"
#include "engine/io/events.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"
#include "engine/io/work_queue.h"
#include "loadgen/premises.h"

namespace penstock {

// Where a fleet's queue and its store are, as the options of these names.
struct FleetPlace {
  std::string queue;
  std::string queue_name;
  StorePlace store;

  // NAME=VALUE, but of the queue's name, which is an option only.
  std::vector<std::string> environment() const {
    std::vector<std::string> all = store.environment();
    all.push_back("PENSTOCK_QUEUE=" + queue);
    return all;
  }
};

// A fleet's queue for who enqueues, and its news. Events of a queue in a file are not heard.
class FleetQueue {
 public:
  virtual ~FleetQueue() = default;
  virtual Broker& broker() = 0;
  virtual Events& events() = 0;
  // Where documents are, for this process and the workers: paths and s3://.
  virtual BlobStore& blobs() = 0;
};

// What the system wrote of its documents, to be read.
class Records {
 public:
  virtual ~Records() = default;
  virtual Ledger& ledger() = 0;
  virtual VectorStore& vectors() = 0;
};

// An engine of this process, with the right to write its store.
class LocalEngine {
 public:
  virtual ~LocalEngine() = default;

  virtual std::uint32_t documents_in_flight_max() const = 0;
  // Works until both queues are closed, as Pipeline::run(); reads documents from `contents`. Once.
  virtual Result<void> run(WorkQueue& interactive, WorkQueue& bulk, BlobStore& contents) = 0;
  // What has not been sent to the embedder is given back. Any thread.
  virtual void hurry() = 0;
};

// All throw FatalError.
struct Backends {
  // `arguments`: as those of `penstock worker`, without what is told otherwise.
  std::function<std::unique_ptr<LocalEngine>(const StorePlace&,
                                             const std::vector<std::string>& arguments)>
      engine;
  // `arguments`: of its workers.
  std::function<std::unique_ptr<FleetQueue>(const FleetPlace&,
                                            const std::vector<std::string>& arguments)>
      queue;
  // Of a store that exists.
  std::function<std::unique_ptr<Records>(const StorePlace&)> records;
};

}  // namespace penstock
