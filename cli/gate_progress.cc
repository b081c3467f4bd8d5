#include "cli/gate_progress.h"

#include <unistd.h>

#include <cstdio>

#include "cli/terminal.h"

namespace penstock {

GateProgress::GateProgress() : terminal_(isatty(STDERR_FILENO) == 1) {}

void GateProgress::show(const std::string& doing) {
  if (terminal_) {
    const std::size_t columns = terminal_columns(STDERR_FILENO).value_or(80);
    std::fprintf(stderr, "\r%s\033[K", doing.substr(0, columns - 1).c_str());
  } else if (doing != shown_) {
    std::fprintf(stderr, "%s\n", doing.c_str());
  }
  shown_ = doing;
}

void GateProgress::clear() {
  if (terminal_ && !shown_.empty()) std::fputs("\r\033[K", stderr);
}

}  // namespace penstock
