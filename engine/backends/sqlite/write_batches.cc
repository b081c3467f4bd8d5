#include "engine/backends/sqlite/write_batches.h"

#include <utility>

namespace penstock {

WriteBatches::WriteBatches(Database& database)
    : database_(database),
      save_(database.prepare("SAVEPOINT one")),
      release_(database.prepare("RELEASE one")),
      undo_(database.prepare("ROLLBACK TO one")) {}

Result<void> WriteBatches::write(const Work& work) {
  Waiting mine{&work, {}, false};
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
  const Result<void> committed = in_transaction(database_, [&]() -> Result<void> {
    for (Waiting* one : batch)
      if (!write_one(*one)) return one->done;
    return {};
  });
  if (committed) return;
  // Nothing of it is there.
  for (Waiting* one : batch)
    if (one->done) one->done = committed;
}

bool WriteBatches::write_one(Waiting& one) {
  one.done = save_.run();
  if (!one.done) return false;
  one.done = (*one.work)();
  const bool is_undone = one.done.has_value() || undo_.run().has_value();
  // A full disk may have taken the transaction back; then there is nothing to undo or release.
  return is_undone && release_.run().has_value();
}

}  // namespace penstock
