// Whose transaction is the next one.
#pragma once

#include <string>

#include "engine/core/error.h"
#include "engine/core/unique_fd.h"

namespace penstock {

// SQLite has no queue of writers: each looks again after a pause, and one that begins again at once
// is always faster. Two that store vectors kept a third out for ten seconds, which was an error. So
// who wants to write waits here, in the kernel, while the one in front waits for SQLite; nobody
// overtakes, in this process or another. One thread at a time.
//
// It is a lock on PATH.lock of another kind than WriteLock's, so that they do not meet.
class WriteTurn {
 public:
  // Makes PATH.lock, which stays; throws FatalError.
  explicit WriteTurn(const std::string& path);

  // Blocks until it is this one's turn, which lasts until end(): until its transaction has begun.
  void begin() { set(true); }
  void end() { set(false); }

 private:
  void set(bool is_mine);

  UniqueFd fd_;
};

}  // namespace penstock
