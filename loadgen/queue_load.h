// Documents into a fleet's queue, as `penstock enqueue` brings them: their bytes into a blob store,
// and then their claims into the queue, as many at a time as are ready. A document is accepted when
// the queue has acknowledged it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/blob_store.h"
#include "engine/io/broker.h"
#include "loadgen/destination.h"
#include "loadgen/heartbeat.h"
#include "loadgen/journal.h"

namespace penstock {

struct QueueLoadOptions {
  std::string blobs;  // a folder's path, or s3://BUCKET/PREFIX: below it are the documents
  std::uint32_t under_way_max = 4'096;  // what is due beyond is dropped
};

class QueueLoad final : public Destination {
 public:
  static constexpr std::uint32_t threads = 17;  // 16 write, and one enqueues

  // All outlive it.
  QueueLoad(Broker& broker, BlobStore& blobs, QueueLoadOptions options, Journal& journal);
  ~QueueLoad() override;

  void send(Shipment shipment) override;
  State state() override;
  void stop() override;

 private:
  struct Written {
    std::uint64_t number = 0;
    Lane lane = Lane::bulk;
    Claim claim;
  };

  void write_until_stopped();
  void enqueue_until_stopped();
  Result<void> write(const std::string& location, const Content& content);
  // Those that are written, of one lane; empty: it is stopped.
  std::vector<Written> next_batch();
  void enqueue(const std::vector<Written>& batch);

  Broker& broker_;
  BlobStore& blobs_;
  const QueueLoadOptions options_;
  Journal& journal_;
  std::atomic<std::uint64_t> sent_bytes_{0};
  std::atomic<std::uint32_t> under_way_{0};  // neither accepted nor refused

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Shipment> to_write_;
  std::deque<Written> to_enqueue_;
  bool is_stopped_ = false;

  Heartbeat heartbeat_;
  std::vector<std::thread> threads_;
};

}  // namespace penstock
