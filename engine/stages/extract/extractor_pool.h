// Extraction that nothing can hurt: a pool of sandboxed child processes, one a core, each this same
// binary executed again. A child has no network, no file access but the character maps it needs,
// a memory limit and a deadline a document. A crash, a hang or a memory bomb ends that child and
// becomes that document's outcome; the pool starts another child.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/core/lane.h"
#include "engine/core/memory_file.h"
#include "engine/stages/extract/extraction.h"
#include "engine/stages/extract/extractor_kind.h"

namespace penstock {

struct ExtractorPoolOptions {
  // The program to execute as a child; its main must call run_extractor_child_if_asked() first.
  std::string program = "/proc/self/exe";
  ExtractorKind kind = default_extractor;
  std::size_t children = 0;  // 0: one a core
  // CPU time that children may spend on one document before it is timed_out, so that a busy machine
  // times nobody out; or ten times as much wall time, should a child hang without working.
  std::chrono::milliseconds document_timeout{60'000};
  // Address space that a child may use beyond the document itself before it is out_of_memory.
  std::uint64_t memory_bytes_max = 512ull << 20;
  // Text of one document, beyond which it is too_large.
  std::uint64_t text_bytes_max = 256ull << 20;
  // Pages a child takes at a time. A document of more is shared by all children that have nothing
  // else to do; smaller ranges share better, larger ones cost less.
  std::uint32_t pages_per_range = 64;
};

// What the first child said of its defences.
struct ExtractorStatus {
  std::size_t children = 0;
  int landlock_abi = 0;  // 0: the kernel has no Landlock
  bool seccomp = false;
};

class ExtractorPool {
 public:
  // Starts the children; throws FatalError, with what to do, when a child cannot start or cannot
  // be locked down.
  explicit ExtractorPool(ExtractorPoolOptions options);
  // Kills the children. Every `done` that has not been called by then is dropped.
  ~ExtractorPool();
  ExtractorPool(const ExtractorPool&) = delete;
  ExtractorPool& operator=(const ExtractorPool&) = delete;

  using Done = std::function<void(Extraction)>;

  // Queues a document, behind its lane's, interactive ones before bulk ones, without bound: the
  // caller bounds what is in flight. `file` must stay alive until `done` has been called: exactly
  // once, on the pool's own thread, where it must not block. Any thread.
  void extract(const MemoryFile& file, Lane lane, Done done);

  const ExtractorStatus& status() const;

 private:
  class Dispatcher;
  std::unique_ptr<Dispatcher> dispatcher_;
};

// True, with the exit code in `exit_code`, if this process was executed as an extraction child: it
// has then served its parent until the parent closed the connection. Call it first in main, before
// any thread exists.
bool run_extractor_child_if_asked(int argc, char** argv, int& exit_code);

// The part of a version's fingerprint that extraction decides: extractor, library version and
// clean-up rules.
std::string extractor_fingerprint(ExtractorKind kind);

}  // namespace penstock
