// What went wrong last, for whoever shows it.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace penstock {

// Any thread.
class LastFailure {
 public:
  // Empty: it is well.
  void hear(std::string failure) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
  }
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  mutable std::mutex mutex_;
  std::string failure_;  // guarded by mutex_
};

}  // namespace penstock
