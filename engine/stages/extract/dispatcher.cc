#include "engine/stages/extract/dispatcher.h"

#include <poll.h>
#include <simdjson.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include "engine/stages/extract/extract_text.h"

namespace penstock {
namespace {

using extractor_protocol::Message;
using extractor_protocol::Reply;
using extractor_protocol::Request;

// Poppler's heap never shrinks; a child this large is replaced between two documents.
constexpr std::uint64_t resident_bytes_max = 96 << 20;
// A child that cannot start is tried again so often; then documents are told.
constexpr int failed_starts_max = 5;
constexpr std::chrono::seconds start_timeout{30};
// A child that somebody else killed says nothing about its document, unless it happens so often.
constexpr int times_lost_max = 2;
// Times the CPU time of a document, in wall time.
constexpr int idle_factor = 10;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

bool is_clean(const std::string& text) {
  return simdjson::validate_utf8(text.data(), text.size()) && text.find('\0') == std::string::npos;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\n") == std::string::npos;
}

// A child's words, fit for a terminal.
std::string one_line(std::string_view words) {
  std::string line;
  for (const char c : words) line += c >= ' ' && c <= '~' ? c : ' ';
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

struct Cause {
  Outcome outcome;
  std::string message;
};

Cause cause_of(const ChildProcess::End& end) {
  if (end.errors.find("Out of memory") != std::string::npos) return {Outcome::out_of_memory, {}};
  const int signal = WIFSIGNALED(end.status) ? WTERMSIG(end.status) : 0;
  // Nobody but the kernel, when memory runs out, kills again and again.
  if (signal == SIGKILL)
    return {Outcome::out_of_memory, "its extractor was killed again and again"};
  if (signal == SIGXCPU) return {Outcome::timed_out, {}};
  if (signal == SIGSYS) return {Outcome::crashed, "tried a forbidden system call, and was stopped"};
  if (signal != 0)
    return {Outcome::crashed,
            std::string("the extractor crashed on it (") + strsignal(signal) + ")"};
  return {Outcome::crashed, "the extractor stopped without an answer"};
}

}  // namespace

ExtractorPool::Dispatcher::Dispatcher(ExtractorPoolOptions options)
    : options_(std::move(options)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!has_character_maps())
    throw FatalError(
        "Poppler's character maps are missing, and with them most Chinese, Japanese and Korean "
        "text: install poppler-data");
  start_missing_children();
  // The first child is waited for, so that a sandbox that cannot be set up is told at once.
  while (!children_.empty() && !children_.front()->ready) {
    pollfd readable{children_.front()->process.socket(), POLLIN, 0};
    constexpr int milliseconds = 30'000;
    if (poll(&readable, 1, milliseconds) <= 0)
      throw FatalError("an extraction process does not start");
    read_from(*children_.front());
    if (!start_failure_.empty()) break;
  }
  if (!start_failure_.empty()) throw FatalError(start_failure_);
  status_.children = options_.children;
  status_.landlock_abi = children_.front()->landlock_abi;
  status_.seccomp = children_.front()->seccomp;
  thread_ = std::thread([this] { serve(); });
}

ExtractorPool::Dispatcher::~Dispatcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void ExtractorPool::Dispatcher::extract(const MemoryFile& file, Lane lane, Done done) {
  auto task = std::make_unique<Task>();
  task->lane = lane;
  task->file = &file;
  task->done = std::move(done);
  {
    const std::lock_guard lock(mutex_);
    incoming_.push_back(std::move(task));
  }
  eventfd_write(wake_.get(), 1);
}

void ExtractorPool::Dispatcher::serve() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    take_new_tasks();
    start_missing_children();
    assign_work();
    wait_for_events();
    kill_overdue();
  }
}

void ExtractorPool::Dispatcher::take_new_tasks() {
  const std::lock_guard lock(mutex_);
  for (std::unique_ptr<Task>& task : incoming_) {
    task->number = next_number_++;
    const auto place =
        std::ranges::find_if(waiting_, [&](const auto& other) { return other->lane > task->lane; });
    waiting_.insert(place, std::move(task));
  }
  incoming_.clear();
}

void ExtractorPool::Dispatcher::start_missing_children() {
  while (children_.size() < options_.children && failed_starts_ < failed_starts_max) {
    Result<ChildProcess> process =
        ChildProcess::start(options_.program, options_.kind, options_.memory_bytes_max);
    if (process) {
      children_.push_back(std::make_unique<Child>(Child{std::move(*process)}));
      children_.back()->started = now();
    } else {
      ++failed_starts_;
      start_failure_ = process.error().message;
    }
  }
  if (!children_.empty() || failed_starts_ < failed_starts_max) return;
  // Nobody is left to do the work, and nobody is coming: say so rather than wait for ever.
  for (std::unique_ptr<Task>& task : waiting_) finish(*task, Outcome::crashed, start_failure_);
  waiting_.clear();
  for (std::unique_ptr<Task>& task : under_way_)
    if (task->is_open()) finish(*task, Outcome::crashed, start_failure_);
  under_way_.clear();
  failed_starts_ = failed_starts_max - 1;  // one more try for what comes next
}

void ExtractorPool::Dispatcher::assign_work() {
  for (const std::unique_ptr<Child>& child : children_) {
    if (!child->ready || child->task != nullptr) continue;
    if (Task* task = next_task_for(*child)) give(*child, *task);
  }
}

// First the document that the child has open, unless it is bulk and an interactive one waits, then
// one that nobody has begun; a child for which there is neither helps with the document that has
// most pages left.
ExtractorPool::Dispatcher::Task* ExtractorPool::Dispatcher::next_task_for(const Child& child) {
  Task* largest = nullptr;
  const Lane waiting_lane = waiting_.empty() ? Lane::bulk : waiting_.front()->lane;
  for (const std::unique_ptr<Task>& task : under_way_) {
    if (!task->has_unassigned_pages()) continue;
    if (task->number == child.open_document && task->lane <= waiting_lane) return task.get();
    if (largest == nullptr || task->pages_left() > largest->pages_left()) largest = task.get();
  }
  if (waiting_.empty()) return largest;
  under_way_.push_back(std::move(waiting_.front()));
  waiting_.pop_front();
  return under_way_.back().get();
}

void ExtractorPool::Dispatcher::give(Child& child, Task& task) {
  if (!task.lost.empty()) {
    child.range = task.lost.back();
    task.lost.pop_back();
  } else {
    child.range = {task.next_page, next_page_count(task)};
    task.next_page += child.range.page_count;
  }
  const bool is_open = child.open_document == task.number;
  // A backstop: this process looks at the time, too, unless somebody stops it.
  if (!is_open)
    child.process.limit_cpu_time(child.process.cpu_time() + options_.document_timeout +
                                 std::chrono::seconds(1));
  child.task = &task;
  child.open_document = task.number;
  ++task.running;
  request(child, is_open ? -1 : task.file->fd());
}

// Few pages at first, since nobody knows yet how many there are and others could help; then ranges
// that shrink towards the end, so that no child is left alone with a long one.
std::uint32_t ExtractorPool::Dispatcher::next_page_count(const Task& task) const {
  constexpr std::uint32_t least = 4;
  const std::uint32_t most = options_.pages_per_range;
  if (!task.pages_total) return std::min(most, std::max(least, most / 4));
  const auto fair = static_cast<std::uint32_t>(task.pages_left() / (2 * options_.children));
  return std::min(task.pages_left(), std::clamp(fair, std::min(least, most), most));
}

Request ExtractorPool::Dispatcher::request_of(const Child& child) {
  Request request;
  request.first_page = child.range.first_page;
  request.document = child.task->number;
  request.page_count = child.range.page_count;
  return request;
}

void ExtractorPool::Dispatcher::request(Child& child, int document) {
  child.started = now();
  child.cpu_time_before = child.process.cpu_time();
  // A child that is gone is noticed by its socket, and buried there.
  static_cast<void>(child.process.send(request_of(child), document));
}

void ExtractorPool::Dispatcher::wait_for_events() {
  std::vector<pollfd> readable{{wake_.get(), POLLIN, 0}};
  for (const std::unique_ptr<Child>& child : children_)
    readable.push_back({child->process.socket(), POLLIN, 0});
  int milliseconds = -1;
  if (const std::optional<TimePoint> deadline = next_deadline()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - now());
    milliseconds = static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }
  if (poll(readable.data(), readable.size(), milliseconds) <= 0) return;

  eventfd_t ignored;
  if (readable[0].revents != 0) eventfd_read(wake_.get(), &ignored);
  std::vector<Child*> speaking;
  for (std::size_t i = 1; i < readable.size(); ++i)
    if (readable[i].revents != 0) speaking.push_back(children_[i - 1].get());
  for (Child* child : speaking) read_from(*child);
}

void ExtractorPool::Dispatcher::read_from(Child& child) {
  const std::optional<Reply> reply = child.process.receive();
  if (!reply) return bury(child);
  if (child.ready) return take_reply(child, *reply);
  if (reply->message == Message::ready) {
    child.ready = true;
    failed_starts_ = 0;
    child.landlock_abi = reply->landlock_abi;
    child.seccomp = reply->seccomp != 0;
  } else {
    start_failure_ = one_line(reply->text.data());
    bury(child);
  }
}

void ExtractorPool::Dispatcher::take_reply(Child& child, const Reply& reply) {
  Task* task = child.task;
  if (task == nullptr || !is_plausible(reply, request_of(child), task->pages_total))
    return bury(child, "the extractor gave an impossible answer");

  if (task->is_open()) {
    const auto outcome = static_cast<Outcome>(reply.outcome);
    if (outcome != Outcome::done) {
      task->busy += spent(child);
      finish(*task, outcome, one_line(reply.text.data()));
    } else {
      Text text{child.process.take_output(reply.text_bytes),
                {reply.page_ends.begin(), reply.page_ends.begin() + reply.pages_done}};
      if (!is_clean(text.utf8)) return bury(child, "the extractor's text is not valid UTF-8");
      task->busy += spent(child);
      task->pages_total = reply.pages_total;
      // The first range was asked for before anybody knew how many pages there are.
      task->next_page = std::min(task->next_page, reply.pages_total);
      task->pages_done += reply.pages_done;
      task->text_bytes += text.utf8.size();
      task->ranges.emplace(child.range.first_page, std::move(text));
      if (std::string warning = one_line(reply.text.data()); !warning.empty())
        task->warnings.emplace(child.range.first_page, std::move(warning));
      const std::uint32_t asked =
          std::min(child.range.page_count, reply.pages_total - child.range.first_page);
      if (reply.pages_done < asked) {
        // Its text filled the output memory: the same child goes on where it stopped.
        child.range = {child.range.first_page + reply.pages_done, asked - reply.pages_done};
        return request(child, -1);
      }
      if (task->text_bytes > options_.text_bytes_max)
        finish(*task, Outcome::too_large,
               "more than " + std::to_string(options_.text_bytes_max) + " bytes of text");
    }
  }
  child.task = nullptr;
  --task->running;
  finish_if_complete(*task);
  const bool may_go_on = task->has_unassigned_pages();
  drop_if_unused(task);
  if (!may_go_on && child.process.resident_bytes() > resident_bytes_max) bury(child);
}

// Ends a child, for whatever reason, and its document with it if it was at work on one. `lie`: what
// the child said that cannot be; without it, how the child ended tells why.
void ExtractorPool::Dispatcher::bury(Child& child, std::optional<std::string> lie) {
  if (!child.ready) {
    ++failed_starts_;
    if (start_failure_.empty())
      start_failure_ = "an extraction process stopped before it was ready";
  }
  const std::chrono::nanoseconds last_spent = spent(child);
  const ChildProcess::End end = child.process.end();
  Task* task = child.task;
  const auto position = std::find_if(children_.begin(), children_.end(),
                                     [&](const auto& each) { return each.get() == &child; });
  if (task != nullptr) {
    task->busy += last_spent;
    --task->running;
    if (task->is_open()) {
      if (!lie && WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL &&
          task->times_lost++ < times_lost_max) {
        task->lost.push_back(child.range);
        children_.erase(position);
        return;
      }
      Cause cause = lie ? Cause{Outcome::crashed, std::move(*lie)} : cause_of(end);
      finish(*task, cause.outcome, std::move(cause.message));
    }
  }
  children_.erase(position);
  drop_if_unused(task);
}

// On the request that it is at work on.
std::chrono::nanoseconds ExtractorPool::Dispatcher::spent(const Child& child) {
  const auto spent = child.process.cpu_time() - child.cpu_time_before;
  return std::max(spent, std::chrono::nanoseconds(0));  // it may be gone
}

std::optional<TimePoint> ExtractorPool::Dispatcher::next_deadline() const {
  std::optional<TimePoint> earliest;
  for (const std::unique_ptr<Child>& child : children_) {
    TimePoint deadline = child->started;
    if (!child->ready) {
      deadline += start_timeout;
    } else if (child->task != nullptr) {
      // Not sooner than if it had a core for itself from now on.
      deadline = std::min(deadline + idle_factor * options_.document_timeout,
                          now() + (options_.document_timeout - child->task->busy - spent(*child)));
    } else {
      continue;
    }
    earliest = std::min(earliest.value_or(deadline), deadline);
  }
  return earliest;
}

void ExtractorPool::Dispatcher::kill_overdue() {
  std::vector<Child*> overdue;
  for (const std::unique_ptr<Child>& child : children_) {
    const Duration since = now() - child->started;
    const bool is_late =
        child->ready ? child->task != nullptr &&
                           (child->task->busy + spent(*child) >= options_.document_timeout ||
                            since >= idle_factor * options_.document_timeout)
                     : since >= start_timeout;
    if (is_late) overdue.push_back(child.get());
  }
  for (Child* child : overdue) {
    if (child->task != nullptr && child->task->is_open()) {
      std::string seconds = std::to_string(options_.document_timeout.count() / 1000);
      if (const auto tenths = options_.document_timeout.count() % 1000 / 100; tenths > 0)
        seconds += "." + std::to_string(tenths);
      finish(*child->task, Outcome::timed_out, "extraction took longer than " + seconds + " s");
    }
    bury(*child);
  }
}

void ExtractorPool::Dispatcher::finish(Task& task, Outcome outcome, std::string message) {
  Extraction extraction;
  extraction.outcome = outcome;
  extraction.message = std::move(message);
  extraction.pages = task.pages_total.value_or(0);
  extraction.busy = task.busy;
  if (outcome == Outcome::done) {
    extraction.text.utf8.reserve(task.text_bytes);
    for (const auto& [first_page, range] : task.ranges) {
      const std::size_t base = extraction.text.utf8.size();
      extraction.text.utf8 += range.utf8;
      for (const std::size_t end : range.page_ends) extraction.text.page_ends.push_back(base + end);
    }
    if (is_blank(extraction.text.utf8)) {
      extraction.outcome = Outcome::no_text;
      extraction.text = {};
    }
  }
  task.ranges.clear();
  const Done done = std::exchange(task.done, nullptr);
  done(std::move(extraction));
}

void ExtractorPool::Dispatcher::finish_if_complete(Task& task) {
  if (task.is_open() && task.pages_done == task.pages_total)
    finish(task, Outcome::done, task.warnings.empty() ? "" : task.warnings.begin()->second);
}

void ExtractorPool::Dispatcher::drop_if_unused(Task* task) {
  if (task == nullptr || task->is_open() || task->running > 0) return;
  std::erase_if(under_way_, [&](const auto& each) { return each.get() == task; });
}

}  // namespace penstock
