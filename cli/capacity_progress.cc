#include "cli/capacity_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "cli/terminal.h"
#include "reports/format.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds pipe_interval{10};

std::string line_of(const RunProgress& progress) {
  const Journal::Counts& counts = progress.counts;
  std::string line =
      fmt::format("{}: {} offered, {} accepted, {} done, {} in flight", printable(progress.phase),
                  with_commas(counts.due), with_commas(counts.accepted), with_commas(counts.ended),
                  with_commas(counts.in_flight()));
  if (counts.missing > 0) line += fmt::format(", {} not taken", with_commas(counts.missing));
  line += "; " + human_time(progress.elapsed);
  // What has to be waited for comes on top of it.
  if (progress.elapsed <= progress.planned) line += " of " + human_time(progress.planned);
  return line;
}

}  // namespace

CapacityProgress::CapacityProgress() : terminal_(isatty(STDERR_FILENO) == 1) {}

void CapacityProgress::show(const RunProgress& progress) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (terminal_) {
    std::string line = line_of(progress);
    line.resize(std::min(line.size(), terminal_columns(STDERR_FILENO).value_or(80) - 1));
    std::fprintf(stderr, "\r%s\033[K", line.c_str());
  } else if (!shown_at_ || now - *shown_at_ >= pipe_interval || progress.phase != phase_) {
    std::fprintf(stderr, "%s\n", line_of(progress).c_str());
  } else {
    return;
  }
  shown_at_ = now;
  phase_ = progress.phase;
}

void CapacityProgress::clear() {
  if (terminal_ && shown_at_) std::fputs("\r\033[K", stderr);
}

}  // namespace penstock
