// The parent's end of one extraction child.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/error.h"
#include "engine/core/unique_fd.h"
#include "engine/stages/extract/extractor_kind.h"
#include "engine/stages/extract/protocol.h"

namespace penstock {

class ChildProcess {
 public:
  // Starts it; the child says `ready` or `refused` some milliseconds later. An error says why the
  // kernel would not start it.
  static Result<ChildProcess> start(const std::string& program, ExtractorKind kind,
                                    std::uint64_t memory_bytes_max);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  // Kills it, and waits until it is gone.
  ~ChildProcess();

  int socket() const { return socket_.get(); }
  // False if the child is gone. `document` is passed along unless it is negative.
  bool send(const extractor_protocol::Request& request, int document);
  // Call when the socket can be read; absent if the child is gone, or sent what is no reply.
  std::optional<extractor_protocol::Reply> receive();
  // The first so many bytes of the output memory, as of now; the memory is then given back.
  std::string take_output(std::size_t bytes);
  // Its resident memory.
  std::uint64_t resident_bytes() const;
  // What it has used since it was started.
  std::chrono::nanoseconds cpu_time() const;
  // The kernel ends it with SIGXCPU when its cpu_time() reaches this, give or take a second.
  void limit_cpu_time(std::chrono::nanoseconds cpu_time_max);

  // How it ended: kills it if it lives still.
  struct End {
    int status = 0;      // as of waitpid
    std::string errors;  // what it wrote to standard error, the first 4 KB
  };
  End end();

 private:
  ChildProcess() = default;

  pid_t pid_ = -1;
  UniqueFd socket_;
  UniqueFd output_;
  UniqueFd errors_;
  void* output_mapping_ = nullptr;
};

}  // namespace penstock
