// The pool's one thread: gives page ranges of documents to children, puts their texts together, and
// turns whatever befalls a child into its document's outcome.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/unique_fd.h"
#include "engine/stages/extract/child_process.h"
#include "engine/stages/extract/extractor_pool.h"

namespace penstock {

class ExtractorPool::Dispatcher {
 public:
  explicit Dispatcher(ExtractorPoolOptions options);
  ~Dispatcher();

  void extract(const MemoryFile& file, Lane lane, Done done);
  const ExtractorStatus& status() const { return status_; }

 private:
  struct Range {
    std::uint32_t first_page = 0;
    std::uint32_t page_count = 0;
  };

  // A document, from extract() until its last range has come back.
  struct Task {
    std::uint64_t number = 0;
    Lane lane = Lane::bulk;
    const MemoryFile* file = nullptr;
    Done done;  // empty once called
    std::uint32_t next_page = 0;
    std::optional<std::uint32_t> pages_total;  // known from the first reply on
    std::uint32_t pages_done = 0;
    std::map<std::uint32_t, Text> ranges;  // by first page
    std::uint64_t text_bytes = 0;
    std::map<std::uint32_t, std::string> warnings;  // by first page of the range they are of
    std::chrono::nanoseconds busy{0};
    std::size_t running = 0;  // children at work on it
    std::vector<Range> lost;  // to be given out again: somebody killed the child that had it
    int times_lost = 0;

    bool is_open() const { return static_cast<bool>(done); }
    bool has_unassigned_pages() const {
      return is_open() && (!lost.empty() || (pages_total && next_page < *pages_total));
    }
    std::uint32_t pages_left() const { return pages_total.value_or(0) - next_page; }
  };

  struct Child {
    ChildProcess process;
    bool ready = false;
    int landlock_abi = 0;  // what it said when it was ready
    bool seccomp = false;
    std::uint64_t open_document = 0;  // 0: none yet
    Task* task = nullptr;             // at work on it
    Range range;                      // of it
    TimePoint started{};
    std::chrono::nanoseconds cpu_time_before{0};  // what it had used by then
  };

  void serve();
  void take_new_tasks();
  void start_missing_children();
  void assign_work();
  Task* next_task_for(const Child& child);
  void give(Child& child, Task& task);
  std::uint32_t next_page_count(const Task& task) const;
  static extractor_protocol::Request request_of(const Child& child);
  void request(Child& child, int document);
  void wait_for_events();
  void read_from(Child& child);
  void take_reply(Child& child, const extractor_protocol::Reply& reply);
  void bury(Child& child, std::optional<std::string> lie = {});
  static std::chrono::nanoseconds spent(const Child& child);
  void kill_overdue();
  void finish(Task& task, Outcome outcome, std::string message);
  void finish_if_complete(Task& task);
  void drop_if_unused(Task* task);
  std::optional<TimePoint> next_deadline() const;

  const ExtractorPoolOptions options_;
  ExtractorStatus status_;  // constant after construction
  UniqueFd wake_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<std::unique_ptr<Task>> incoming_;
  bool stopping_ = false;

  // The dispatcher's thread only.
  std::uint64_t next_number_ = 1;
  std::deque<std::unique_ptr<Task>> waiting_;  // no range assigned yet; interactive first
  std::vector<std::unique_ptr<Task>> under_way_;
  std::vector<std::unique_ptr<Child>> children_;
  int failed_starts_ = 0;  // in a row
  std::string start_failure_;

  std::thread thread_;
};

}  // namespace penstock
