// The broker in a SQLite file: for several processes of one machine.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/sqlite/database.h"
#include "engine/backends/sqlite/write_batches.h"
#include "engine/core/clock.h"
#include "engine/core/last_failure.h"
#include "engine/io/broker.h"

namespace penstock {

struct QueueStatements;

// One connection writes, since SQLite writes alone anyway, and what several threads ask for at once
// goes into one transaction; another reads meanwhile. Documents are claimed a few at a time, so
// that a worker waits seldom for those who enqueue. Leases end by the machine's clock. One thread
// delivers what was acknowledged and renews leases.
class SqliteBroker final : public Broker {
 public:
  // Throws FatalError.
  SqliteBroker(const std::string& path, BrokerOptions options);
  ~SqliteBroker() override;

  Result<std::vector<Enqueued>> enqueue(std::span<const Claim> documents, Lane lane) override;
  WorkQueue& queue(Lane lane) override;
  Result<BrokerState> state() override;
  Result<std::vector<std::optional<QueuedDocument>>> find(
      std::span<const std::string> keys) override;
  Result<void> report(const WorkerReport& report) override;
  Result<std::vector<WorkerReport>> workers() override;
  std::string last_failure() const override { return failure_.get(); }
  Result<void> for_each_dead(const std::function<bool(const QueuedDocument&)>& visit) override;
  Result<std::uint64_t> retry(std::span<const std::string> keys) override;

 private:
  class LaneQueue;
  struct Delivery {
    std::string key;
    std::optional<Outcome> outcome;  // absent: given back
    std::string message;
  };
  struct LaneSize {
    std::uint64_t documents = 0;  // that waited or were leased when counted, and came since
    TimePoint counted{};
  };
  struct Fetched {
    std::vector<Claim> claims;
    bool nothing_left = false;  // nor will there be, where the work is until empty
  };

  Result<Enqueued> enqueue_one(const Claim& document, Lane lane);
  // For one more document.
  Result<bool> has_room(Lane lane);
  Result<std::optional<QueuedDocument>> find_one(QueueStatements& statements,
                                                 const std::string& key);
  // The next documents of the lane, now leased.
  Result<Fetched> fetch(Lane lane, std::size_t documents_max);
  // Leases of other workers.
  Result<void> end_leases(Lane lane, std::int64_t now);
  // How many attempts there were before this worker's; absent if it has no lease.
  Result<std::optional<std::int64_t>> attempts_of_mine(QueueStatements& statements,
                                                       const std::string& key);
  Result<std::vector<bool>> holds(std::span<const std::string> keys);
  void deliver_later(Delivery delivery);
  void deliver_and_renew();
  // Returns what could not be.
  std::vector<Delivery> deliver(std::vector<Delivery> deliveries);
  // All of them, or none.
  Result<void> deliver_together(std::span<const Delivery> deliveries);
  Result<void> deliver_one(const Delivery& delivery);
  Result<void> renew_leases();
  Result<void> advance(const std::string& key, std::optional<Outcome> outcome,
                       const std::string& reason);

  const BrokerOptions options_;
  LastFailure failure_;

  // Used in a batch.
  Database writer_;
  std::unique_ptr<QueueStatements> writes_;
  std::mt19937_64 random_;
  std::array<LaneSize, all_lanes.size()> sizes_;
  WriteBatches batches_;

  std::mutex read_mutex_;
  // Guarded by read_mutex_.
  Database reader_;
  std::unique_ptr<QueueStatements> reads_;

  std::array<std::unique_ptr<LaneQueue>, all_lanes.size()> lanes_;

  std::mutex delivery_mutex_;
  std::condition_variable to_deliver_;
  // Guarded by delivery_mutex_.
  std::vector<Delivery> deliveries_;
  bool ending_ = false;

  std::thread thread_;
};

}  // namespace penstock
