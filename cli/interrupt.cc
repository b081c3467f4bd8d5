#include "cli/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "cli/exit_codes.h"

namespace penstock {
namespace {

sigset_t interrupting_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = interrupting_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { listen(); });
}

Interrupt::~Interrupt() {
  stopping_ = true;
  pthread_kill(thread_.native_handle(), SIGHUP);  // any of those that listen() waits for
  thread_.join();
}

void Interrupt::on_first(std::function<void()> drain) {
  const std::lock_guard lock(mutex_);
  if (happened_ && drain) drain();
  drain_ = std::move(drain);
}

void Interrupt::listen() {
  const sigset_t signals = interrupting_signals();
  for (int signal = 0;;) {
    if (sigwait(&signals, &signal) != 0) continue;
    if (stopping_) return;
    const std::lock_guard lock(mutex_);
    if (happened_) {
      // The shell's prompt is not to stand behind the line of progress.
      if (isatty(STDERR_FILENO) == 1) static_cast<void>(write(STDERR_FILENO, "\n", 1) == 1);
      _exit(exit_interrupted);
    }
    happened_ = true;
    happened_.notify_all();
    if (drain_) drain_();
  }
}

}  // namespace penstock
