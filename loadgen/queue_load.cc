#include "loadgen/queue_load.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace penstock {
namespace {

// One call of the broker: large enough that its round trip does not matter.
constexpr std::size_t batch_max = 500;

// Why a document whose name no other has was not taken as a new one.
std::string refusal_of(Enqueued what) {
  return what == Enqueued::full ? "its lane of the queue is full"
                                : "the queue has a document of its name already";
}

}  // namespace

QueueLoad::QueueLoad(Broker& broker, BlobStore& blobs, QueueLoadOptions options, Journal& journal)
    : broker_(broker), blobs_(blobs), options_(std::move(options)), journal_(journal) {
  for (std::uint32_t i = 1; i < threads; ++i)
    threads_.emplace_back([this] { write_until_stopped(); });
  threads_.emplace_back([this] { enqueue_until_stopped(); });
}

QueueLoad::~QueueLoad() {
  stop();
}

void QueueLoad::send(Shipment shipment) {
  if (under_way_ >= options_.under_way_max)
    return journal_.dropped(
        shipment.number,
        fmt::format("all {} documents that the generator may have on their way are",
                    options_.under_way_max));
  ++under_way_;
  journal_.issued(shipment.number);
  {
    const std::lock_guard lock(mutex_);
    to_write_.push_back(std::move(shipment));
  }
  changed_.notify_all();
}

Destination::State QueueLoad::state() {
  const Heartbeat::Lateness lateness = heartbeat_.lateness();
  return {under_way_, sent_bytes_, lateness.most, lateness.sum};
}

void QueueLoad::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void QueueLoad::write_until_stopped() {
  for (;;) {
    Shipment shipment;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return is_stopped_ || !to_write_.empty(); });
      if (is_stopped_) return;
      shipment = std::move(to_write_.front());
      to_write_.pop_front();
    }
    Written written{shipment.number, shipment.lane, {}};
    written.claim.key = shipment.name;
    written.claim.location = options_.blobs + "/" + shipment.name;
    written.claim.stamp.bytes = shipment.content.bytes;
    if (const auto done = write(written.claim.location, shipment.content); !done) {
      --under_way_;
      journal_.broken(shipment.number, written.claim.location + ": " + done.error().message);
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      to_enqueue_.push_back(std::move(written));
    }
    changed_.notify_all();
  }
}

Result<void> QueueLoad::write(const std::string& location, const Content& content) {
  const Result<std::unique_ptr<BlobWriter>> writer = blobs_.begin(location);
  if (!writer) return pass_on(writer.error());
  for (const std::span<const char> part : content.parts) {
    if (auto done = (*writer)->append({part.data(), part.size()}); !done) return done;
    sent_bytes_ += part.size();
  }
  return (*writer)->commit();
}

std::vector<QueueLoad::Written> QueueLoad::next_batch() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_stopped_ || !to_enqueue_.empty(); });
  std::vector<Written> batch;
  if (is_stopped_) return batch;
  const Lane lane = to_enqueue_.front().lane;
  while (batch.size() < batch_max && !to_enqueue_.empty() && to_enqueue_.front().lane == lane) {
    batch.push_back(std::move(to_enqueue_.front()));
    to_enqueue_.pop_front();
  }
  return batch;
}

void QueueLoad::enqueue_until_stopped() {
  for (;;) {
    const std::vector<Written> batch = next_batch();
    if (batch.empty()) return;
    enqueue(batch);
    under_way_ -= static_cast<std::uint32_t>(batch.size());
  }
}

void QueueLoad::enqueue(const std::vector<Written>& batch) {
  std::vector<Claim> claims;
  for (const Written& written : batch) claims.push_back(written.claim);
  const Result<std::vector<Enqueued>> enqueued = broker_.enqueue(claims, batch.front().lane);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::uint64_t number = batch[i].number;
    if (!enqueued) {
      journal_.broken(number, enqueued.error().message);
    } else if ((*enqueued)[i] == Enqueued::queued) {
      journal_.accepted(number, 0, batch[i].claim.key);
    } else {
      journal_.refused(number, 0, refusal_of((*enqueued)[i]));
    }
  }
}

}  // namespace penstock
