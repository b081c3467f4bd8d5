#include "engine/backends/sqlite/write_batches.h"

#include <algorithm>
#include <utility>

namespace penstock {

WriteBatches::WriteBatches(Database& database)
    : database_(database),
      save_(database.prepare("SAVEPOINT one")),
      release_(database.prepare("RELEASE one")),
      undo_(database.prepare("ROLLBACK TO one")) {}

Result<void> WriteBatches::write(const Work& work, Lasts lasts) {
  Waiting mine{&work, lasts, {}, false};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  changed_.wait(lock, [&] { return mine.is_over || !is_writing_; });
  if (mine.is_over) return mine.done;
  is_writing_ = true;
  const std::vector<Waiting*> batch = std::exchange(waiting_, {});
  lock.unlock();
  write(batch);
  lock.lock();
  for (Waiting* one : batch) one->is_over = true;
  is_writing_ = false;
  changed_.notify_all();
  return mine.done;
}

void WriteBatches::write(const std::vector<Waiting*>& batch) {
  const bool is_flushed =
      std::ranges::any_of(batch, [](const Waiting* one) { return one->lasts == Lasts::at_once; });
  Result<void> committed =
      database_.execute(is_flushed ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  if (committed)
    committed = in_transaction(database_, [&]() -> Result<void> {
      for (Waiting* one : batch)
        if (Result<void> stands = write_one(*one); !stands) return stands;
      return {};
    });
  if (committed) return;
  // Nothing of it is there.
  for (Waiting* one : batch)
    if (one->done) one->done = committed;
}

Result<void> WriteBatches::write_one(Waiting& one) {
  if (Result<void> saved = save_.run(); !saved) return saved;
  one.done = (*one.work)();
  // A full disk may have taken the whole transaction back; then there is nothing to undo.
  if (!one.done && !undo_.run()) return one.done;
  return release_.run();
}

}  // namespace penstock
