#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "engine/core/clock.h"

namespace penstock {

// What the threads have to do, now and later. Exchanges hold it, and may outlive the server: from
// end() on what they ask for is dropped, and what was asked before is run, so that nothing keeps
// alive what it belongs to.
class Work {
 public:
  template <typename Executor, typename Function>
  void post(const Executor& executor, Function function) {
    const std::lock_guard lock(mutex_);
    if (!is_ending_) boost::asio::post(executor, std::move(function));
  }

  void call_after(std::chrono::nanoseconds delay, std::function<void()> then) {
    const TimePoint when = std::chrono::steady_clock::now() + delay;
    post(timer_.get_executor(), [this, when, then = std::move(then)]() mutable {
      const auto it = later_.emplace(when, std::move(then));
      if (it == later_.begin()) wait_for_first();
    });
  }

  void end() {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    boost::asio::post(timer_.get_executor(), [this] {
      later_.clear();
      timer_.cancel();
    });
    until_end_.reset();
  }

  boost::asio::io_context& io() { return io_; }

 private:
  void wait_for_first() {
    timer_.expires_at(later_.begin()->first);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error || later_.empty()) return;
      const auto end = later_.upper_bound(std::chrono::steady_clock::now());
      for (auto it = later_.begin(); it != end; ++it)
        post(io_.get_executor(), std::move(it->second));
      later_.erase(later_.begin(), end);
      if (!later_.empty()) wait_for_first();
    });
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> until_end_{
      io_.get_executor()};
  std::mutex mutex_;
  bool is_ending_ = false;  // guarded by mutex_

  // Of the timer's strand.
  boost::asio::steady_timer timer_{boost::asio::make_strand(io_)};
  std::multimap<TimePoint, std::function<void()>> later_;
};

}  // namespace penstock
