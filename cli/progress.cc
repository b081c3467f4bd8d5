#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/json.h"
#include "cli/quota_view.h"
#include "cli/terminal.h"
#include "reports/format.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds look_interval{100};
constexpr std::chrono::milliseconds terminal_interval{100};
constexpr std::chrono::seconds pipe_interval{10};
// Of a queue's servers some may be well, and who talks to several hears of both in turn.
constexpr std::chrono::seconds well_after{2};

double seconds_since(TimePoint start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Progress::Progress(bool json, const RunCounter& counter, const Expected& expected,
                   const EmbeddingService& service, const Broker* queue)
    : json_(json),
      terminal_(!json && isatty(STDERR_FILENO) == 1),
      counter_(counter),
      expected_(expected),
      service_(service),
      queue_(queue),
      started_(std::chrono::steady_clock::now()),
      thread_([this] { show_until_stopped(); }) {}

void Progress::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  if (line_is_shown_) std::fputs("\r\033[K", stderr);
  line_is_shown_ = false;
}

void Progress::finished(const FinishedDocument& document) {
  bytes_passed_ += document.claim.stamp.bytes;
  if (document.claim.is_removal()) {
    if (json_) print_json_line({{"event", "removed"}, {"key", document.claim.key}});
    return;
  }
  if (json_) {
    if (document.unchanged) return;  // counted in the summary
    Json line = {
        {"event", "document"}, {"key", document.claim.key}, {"outcome", name_of(document.outcome)}};
    if (!document.message.empty()) line["message"] = document.message;
    line["pages"] = document.pages;
    line["chunks"] = document.chunks;
    line["tokens"] = document.tokens;
    line["bytes"] = document.claim.stamp.bytes;
    print_json_line(line);
    return;
  }
  const std::string& message = document.message;
  const bool is_incomplete = is_warning(document.outcome, message);
  if (document.unchanged || (!is_failure(document.outcome) && !is_incomplete)) return;
  const std::string why = message.empty() ? std::string(describe(document.outcome)) : message;
  const std::lock_guard lock(mutex_);
  std::fprintf(stderr, "%s%-13s  %s: %s\n", line_is_shown_ ? "\r\033[K" : "",
               is_incomplete ? "warning" : std::string(name_of(document.outcome)).c_str(),
               printable(document.claim.key).c_str(), printable(why).c_str());
  line_is_shown_ = false;
}

void Progress::draining() {
  draining_ = true;
  if (json_) {
    print_json_line({{"event", "draining"}});
    return;
  }
  const std::lock_guard lock(mutex_);
  std::fprintf(stderr, "%sfinishing what is in flight; interrupt again to stop at once\n",
               line_is_shown_ ? "\r\033[K" : "");
  line_is_shown_ = false;
}

void Progress::show_until_stopped() {
  std::unique_lock lock(mutex_);
  const auto interval = terminal_ ? std::chrono::milliseconds(terminal_interval)
                                  : std::chrono::milliseconds(pipe_interval);
  TimePoint next = started_ + interval;
  while (!stop_.wait_for(lock, look_interval, [this] { return stopping_; })) {
    const std::optional<ThrottleState> quota = service_.throttle_state();
    const TimePoint now = std::chrono::steady_clock::now();
    look_at_queue(now);
    tell_if_down("service", quota && quota->endpoint_down, service_was_down_,
                 service_.last_failure());
    tell_if_down("queue", !queue_failure_.empty(), queue_was_down_, queue_failure_);
    if (now < next) continue;
    print_progress(counter_.counts(), quota);
    next += interval;
  }
}

void Progress::look_at_queue(TimePoint now) {
  if (queue_ == nullptr) return;
  std::string failure = queue_->last_failure();
  if (!failure.empty()) {
    queue_failure_ = std::move(failure);
    queue_failed_at_ = now;
  } else if (now - queue_failed_at_ > well_after) {
    queue_failure_.clear();
  }
}

void Progress::tell_if_down(const char* what, bool is_down, bool& was_down,
                            const std::string& reason) {
  if (is_down && !was_down && json_) {
    print_json_line({{"event", std::string(what) + "_down"}, {"reason", reason}});
  } else if (is_down && !was_down) {
    std::fprintf(stderr, "%spenstock: %s; waiting for the %s to come back\n",
                 line_is_shown_ ? "\r\033[K" : "", printable(reason).c_str(), what);
    line_is_shown_ = false;
  }
  was_down = is_down;
}

void Progress::print_progress(const RunCounts& counts, const std::optional<ThrottleState>& quota) {
  if (json_) {
    Json progress = {{"event", "progress"},     {"seen", counts.seen},
                     {"failed", counts.failed}, {"pages", counts.pages},
                     {"tokens", counts.tokens}, {"seconds", seconds_since(started_)}};
    if (expected_.complete) progress["expected"] = expected_.documents.load();
    if (quota) progress["quota"] = quota_json(*quota);
    if (!queue_failure_.empty()) progress["queue_failure"] = queue_failure_;
    print_json_line(progress);
  } else if (terminal_) {
    std::fprintf(stderr, "\r%s\033[K",
                 line(counts, quota, terminal_columns(STDERR_FILENO).value_or(80) - 1).c_str());
    std::fflush(stderr);
    line_is_shown_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line(counts, quota, 500).c_str());
  }
}

// The parts that matter most come first; what does not fit is left out whole.
std::string Progress::line(const RunCounts& counts, const std::optional<ThrottleState>& quota,
                           std::size_t columns) const {
  const double seconds = seconds_since(started_);
  std::string line = with_commas(counts.seen);
  if (expected_.documents > 0)
    line += (expected_.complete ? " of " : " of at least ") + with_commas(expected_.documents);
  line += " documents";
  if (expected_.complete && expected_.bytes > 0) {
    const double share =
        std::min(1.0, static_cast<double>(bytes_passed_) / static_cast<double>(expected_.bytes));
    line += "  " + std::to_string(static_cast<int>(share * 100)) + "%";
    // Before a fiftieth is done, the rest cannot be told from it.
    if (share > 0.02 && !draining_)
      line +=
          "  " + human_time(std::chrono::duration<double>(seconds * (1 - share) / share)) + " left";
  }
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(counts.pages) / seconds);
  if (line.size() > columns) line.resize(columns);
  std::size_t used = line.size();
  for (const std::string& part :
       {draining_ ? std::string("finishing") : std::string(),
        queue_failure_.empty() ? std::string() : std::string("the queue cannot be reached"),
        quota ? quota_words(*quota) : std::string(), with_commas(rate) + " pages/s",
        counts.failed > 0 ? with_commas(counts.failed) + " failed" : std::string(),
        with_commas(counts.pages) + " pages", human_tokens(counts.tokens) + " tokens"}) {
    if (part.empty()) continue;
    if (used + part.size() + 3 > columns) break;
    line += " · " + part;
    used += part.size() + 3;
  }
  return line;
}

}  // namespace penstock
