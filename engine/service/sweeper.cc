#include "engine/service/sweeper.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/service/document_view.h"
#include "engine/service/upload.h"

namespace penstock {
namespace {

Result<void> enqueue_forgotten(const ServiceParts& parts, std::size_t at_once,
                               WallTime received_before) {
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

// Behind the last of these, or, if they are the last, at the oldest again.
template <typename Each>
std::optional<Each> place_behind(const std::vector<Each>& looked_at, std::size_t at_once) {
  if (looked_at.empty() || looked_at.size() < at_once) return std::nullopt;
  return looked_at.back();
}

// Whose removal has been done: neither the queue nor the ledger knows it.
Result<void> forget_removed(const ServiceParts& parts, std::size_t at_once,
                            std::optional<CatalogEntry>& place) {
  const auto entries = parts.catalog.removed(place, at_once);
  if (!entries) return pass_on(entries.error());
  place = place_behind(*entries, at_once);
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

Result<void> remove_orphans(const ServiceParts& parts, std::size_t at_once,
                            std::optional<CondemnedBlob>& place, WallTime reserved_before) {
  const auto blobs = parts.catalog.condemn(reserved_before, place, at_once);
  if (!blobs) return pass_on(blobs.error());
  place = place_behind(*blobs, at_once);
  std::vector<std::string> gone;
  Result<void> all;
  for (const CondemnedBlob& blob : *blobs) {
    const auto removed = parts.blobs.remove(blob.location);
    if (removed) gone.push_back(blob.location);
    if (!removed && all) all = permanent_error(blob.location + ": " + removed.error().message);
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
                            SweeperPlace& place, WallTime now) {
  const std::size_t at_once = options.at_once;
  if (auto done = enqueue_forgotten(parts, at_once, now - options.enqueue_after); !done)
    return done;
  if (auto done = forget_removed(parts, at_once, place.removed); !done) return done;
  return remove_orphans(parts, at_once, place.condemned, now - options.remove_after);
}

void Sweeper::sweep_until_stopped() {
  bool stopping = false;
  std::string failure;
  SweeperPlace place;
  while (!stopping) {
    const Result<void> swept = sweep(parts_, options_, place, wall_now());
    // What goes on failing is said once.
    const std::string why = swept ? std::string() : swept.error().message;
    if (!why.empty() && why != failure) parts_.log(why);
    failure = why;
    std::unique_lock lock(mutex_);
    stopping = stop_.wait_for(lock, options_.interval, [this] { return stopping_; });
  }
}

}  // namespace penstock
