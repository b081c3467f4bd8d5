#include "cli/gate_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/terminal.h"

namespace penstock {

GateProgressLine::GateProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

void GateProgressLine::show(const GateProgress& progress) {
  std::string line = progress.doing;
  if (progress.pairs_max > 0)
    line += fmt::format(": pair {} of at most {}", progress.pairs + 1, progress.pairs_max);
  if (terminal_) {
    line.resize(std::min(line.size(), terminal_columns(STDERR_FILENO).value_or(80) - 1));
    std::fprintf(stderr, "\r%s\033[K", line.c_str());
  } else if (line != shown_) {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  shown_ = std::move(line);
}

void GateProgressLine::clear() {
  if (terminal_ && !shown_.empty()) std::fputs("\r\033[K", stderr);
}

}  // namespace penstock
