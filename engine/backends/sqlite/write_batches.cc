#include "engine/backends/sqlite/write_batches.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

namespace penstock {

// Each has its own condition: all of thirty threads, woken to find that it is one's turn, took more
// time than what they wrote.
struct WriteBatches::Waiting {
  enum class State { waiting, next, over };

  const Work* work = nullptr;
  Lasts lasts = Lasts::later;
  Result<void> done;
  State state = State::waiting;
  std::condition_variable woken;
};

WriteBatches::WriteBatches(Database& database)
    : database_(database),
      save_(database.prepare("SAVEPOINT one")),
      release_(database.prepare("RELEASE one")),
      undo_(database.prepare("ROLLBACK TO one")) {}

Result<void> WriteBatches::write(const Work& work, Lasts lasts) {
  Waiting mine;
  mine.work = &work;
  mine.lasts = lasts;
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  if (is_writing_) mine.woken.wait(lock, [&] { return mine.state != Waiting::State::waiting; });
  if (mine.state == Waiting::State::over) return mine.done;
  is_writing_ = true;
  const std::vector<Waiting*> batch = std::exchange(waiting_, {});
  lock.unlock();
  write(batch);
  lock.lock();
  for (Waiting* one : batch) {
    one->state = Waiting::State::over;
    one->woken.notify_one();
  }
  is_writing_ = !waiting_.empty();
  if (is_writing_) {
    waiting_.front()->state = Waiting::State::next;
    waiting_.front()->woken.notify_one();
  }
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
