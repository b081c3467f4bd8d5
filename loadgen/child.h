// A process of this run: a program of ours that says in its first line where it serves. It does not
// outlive this process, whatever ends it, and hears no Ctrl-C.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/error.h"

namespace penstock {

class Child {
 public:
  // What it prints goes into `log`. `environment`: NAME=VALUE, beside ours. The thread that starts
  // it has to live as long. Throws FatalError when the kernel does not start it.
  Child(std::vector<std::string> command, const std::vector<std::string>& environment,
        std::filesystem::path log);
  // Kills it if it lives still.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }

  // The first line that it printed. Throws FatalError, with what it said instead, when it ended
  // without one or `patience` is over.
  std::string first_line(std::chrono::seconds patience);
  // Where it serves, by that line, without a slash at the end. Throws FatalError likewise.
  std::string url();
  // Asks it to end (SIGTERM), and kills it when `grace` is over.
  void stop(std::chrono::seconds grace);
  // Waits for its end. Its exit code; 128 and the signal if it was killed.
  int wait();
  // How it ended, if it has: "was killed by signal 9", "ended with exit code 1". Waits for nothing.
  std::optional<std::string> end();
  // Waits for its end, and calls `look` about fifty times a second meanwhile. False: `interrupted`
  // became true before.
  bool wait_unless(
      const std::atomic<bool>& interrupted, const std::function<void()>& look = [] {});
  std::string output() const;

 private:
  // Whether it has ended, and was waited for.
  bool has_ended(bool block);

  std::string name_;
  const std::filesystem::path log_;
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace penstock
