// Writes of many threads, in few transactions.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "engine/backends/sqlite/database.h"

namespace penstock {

// A transaction waits for other connections' ones, which with vectors take long. So whoever comes
// meanwhile goes along with it: a thousand small writes at once wait a few times, not a thousand
// times. Each is whole or not at all by itself. Any thread; the database is used by nobody else.
class WriteBatches {
 public:
  explicit WriteBatches(Database& database);

  // Whether what is committed survives a crash of the machine, too: that takes a flush of the log,
  // with whatever others have written to it.
  enum class Lasts { later, at_once };

  // Blocks until the work is committed. It runs once, on one of the threads that wait here.
  using Work = std::function<Result<void>()>;
  Result<void> write(const Work& work, Lasts lasts = Lasts::later);

 private:
  struct Waiting;

  void write(const std::vector<Waiting*>& batch);
  // Its error is the transaction's; the work's own is in `one`.
  Result<void> write_one(Waiting& one);

  Database& database_;
  Statement save_, release_, undo_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Waiting*> waiting_;
  bool is_writing_ = false;
};

}  // namespace penstock
