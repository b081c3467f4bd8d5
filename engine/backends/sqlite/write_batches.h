// Writes of many threads, in few transactions.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "engine/backends/sqlite/database.h"

namespace penstock {

// A transaction waits for other connections' ones, which with vectors take long. So whoever comes
// meanwhile goes along with it: a thousand small writes at once wait a few times, not a thousand
// times. Each is whole or not at all by itself. Any thread; whoever else uses the database does so
// with an Alone.
class WriteBatches {
  struct Waiting;

 public:
  explicit WriteBatches(Database& database);

  // Whether what is committed survives a crash of the machine, too: that takes a flush of the log,
  // with whatever others have written to it.
  enum class Lasts { later, at_once };

  // Blocks until the work is committed. It runs once, on one of the threads that wait here.
  using Work = std::function<Result<void>()>;
  Result<void> write(const Work& work, Lasts lasts = Lasts::later);

  // While it lives nobody writes. Its thread may use the database, but not call write().
  class Alone {
   public:
    explicit Alone(WriteBatches& batches);
    ~Alone();
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;

   private:
    WriteBatches& batches_;
  };

 private:
  // Until it is this one's turn, or another's thread has done its work.
  void wait(Waiting& mine, std::unique_lock<std::mutex>& lock);
  // Whoever waits longest is next. With mutex_ held.
  void end_turn();
  void write(const std::vector<Waiting*>& batch);
  // Its error is the transaction's; the work's own is in `one`.
  Result<void> write_one(Waiting& one);

  Database& database_;
  Statement save_, release_, undo_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Waiting*> waiting_;
  bool is_in_use_ = false;  // the database
};

}  // namespace penstock
