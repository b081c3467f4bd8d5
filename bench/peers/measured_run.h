// Extracts documents in worker processes, times each, and survives what crashes or hangs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/peers/peer.h"

namespace penstock {

struct MeasuredRunOptions {
  // Processes, each with a peer of its own. With one, everything runs in turn.
  std::uint32_t workers = 1;
  // How often the whole list is gone through.
  std::uint32_t passes = 1;
  // CPU time of a document, or a tenth of its wall time, beyond which it loses its worker and is
  // timed_out. By CPU time first: a busy machine is not the document's fault.
  std::chrono::milliseconds document_timeout{30'000};
  // If not empty: the text of document i is written to FOLDER/i.txt, outside the time measured.
  std::string text_folder;
};

struct Measured {
  Outcome outcome = Outcome::pending;
  std::uint32_t pages = 0;
  std::uint64_t text_bytes = 0;
  std::chrono::nanoseconds cpu{0};        // none for what crashed or timed out
  std::chrono::nanoseconds cpu_began{0};  // on the worker's own clock
  // Wall time, on one clock for all documents.
  std::chrono::nanoseconds began{0};
  std::chrono::nanoseconds ended{0};
};

// For each pass the documents in order; workers take the next one as they get free. Call it while
// the process has one thread: it forks.
std::vector<Measured> measured_run(const std::vector<std::string>& documents,
                                   const std::function<std::unique_ptr<Peer>()>& make_peer,
                                   const MeasuredRunOptions& options);

}  // namespace penstock
