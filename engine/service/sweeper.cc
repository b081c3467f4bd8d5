#include "engine/service/sweeper.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/service/document_view.h"
#include "engine/service/upload.h"

namespace penstock {
namespace {

constexpr std::size_t at_once = 500;

Result<void> enqueue_forgotten(const ServiceParts& parts, WallTime received_before) {
  for (;;) {
    const auto entries = parts.catalog.unqueued(received_before, at_once);
    if (!entries) return pass_on(entries.error());
    if (entries->empty()) return {};
    const auto queued = enqueue(parts, *entries);
    if (!queued) return pass_on(queued.error());
    // The rest finds no room in the queue, and waits for the next round.
    if (queued->size() < at_once) return {};
  }
}

// Whose removal has been done: neither the queue nor the ledger knows it.
Result<void> forget_removed(const ServiceParts& parts) {
  const auto entries = parts.catalog.removed(at_once);
  if (!entries) return pass_on(entries.error());
  std::vector<std::string> keys;
  for (const CatalogEntry& entry : *entries) keys.push_back(key_of(entry.name));
  const auto queued = parts.broker.find(keys);
  if (!queued) return pass_on(queued.error());
  std::vector<CatalogEntry> gone;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if ((*queued)[i]) continue;
    const auto record = parts.ledger.find(keys[i]);
    if (!record) return pass_on(record.error());
    if (!*record) gone.push_back((*entries)[i]);
  }
  return parts.catalog.forget(gone);
}

Result<void> remove_orphans(const ServiceParts& parts, WallTime reserved_before) {
  const auto locations = parts.catalog.condemn(reserved_before, at_once);
  if (!locations) return pass_on(locations.error());
  std::vector<std::string> gone;
  Result<void> all;
  for (const std::string& location : *locations) {
    const auto removed = parts.blobs.remove(location);
    if (removed) gone.push_back(location);
    if (!removed && all) all = permanent_error(location + ": " + removed.error().message);
  }
  if (auto released = parts.catalog.release(gone); !released) return released;
  return all;
}

}  // namespace

Sweeper::Sweeper(const ServiceParts& parts, SweeperOptions options)
    : parts_(parts), options_(options), thread_([this] { sweep_until_stopped(); }) {}

Sweeper::~Sweeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

Result<void> Sweeper::sweep(const ServiceParts& parts, const SweeperOptions& options,
                            WallTime now) {
  if (auto done = enqueue_forgotten(parts, now - options.enqueue_after); !done) return done;
  if (auto done = forget_removed(parts); !done) return done;
  return remove_orphans(parts, now - options.remove_after);
}

void Sweeper::sweep_until_stopped() {
  bool stopping = false;
  std::string failure;
  while (!stopping) {
    const Result<void> swept = sweep(parts_, options_, wall_now());
    // What goes on failing is said once.
    const std::string why = swept ? std::string() : swept.error().message;
    if (!why.empty() && why != failure) parts_.log(why);
    failure = why;
    std::unique_lock lock(mutex_);
    stopping = stop_.wait_for(lock, options_.interval, [this] { return stopping_; });
  }
}

}  // namespace penstock
