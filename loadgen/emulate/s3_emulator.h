// An object store on this machine that speaks S3's protocol, verifies signatures, takes its time,
// and fails as stores fail. What it does follows from its seed and the order in which requests
// arrive.
//
//   GET /_stats   what was asked for, as JSON, without a signature
//
// A fault `server_error` or `unavailable` comes in place of what was asked for; `reset`, `hang`,
// `stall` and `truncated` come after it was done, of which the client does not hear; `malformed` is
// an object with a wrong byte, or a document that breaks off.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/emulate/fault_plan.h"
#include "loadgen/emulate/latency.h"
#include "loadgen/emulate/s3_service.h"

namespace penstock {

// Those of FaultKind that a store has.
inline constexpr std::array s3_fault_kinds = {
    FaultKind::server_error, FaultKind::unavailable, FaultKind::reset,    FaultKind::stall,
    FaultKind::hang,         FaultKind::truncated,   FaultKind::malformed};

struct S3EmulatorOptions {
  std::string listen = "127.0.0.1:8090";  // port 0: a free one
  S3ServiceOptions service;
  // Of what was let in; what is refused is refused at once.
  LatencyRange latency{std::chrono::milliseconds(5), std::chrono::milliseconds(100)};
  double fault_fraction = 0;           // of these requests
  std::vector<FaultKind> fault_kinds;  // of s3_fault_kinds; empty: all of them
  std::uint64_t seed = 1;
};

struct S3Usage {
  std::array<std::uint64_t, s3_operation_names.size()> requests{};  // by S3Operation
  std::uint64_t bytes_received = 0;                                 // of bodies
  std::uint64_t bytes_sent = 0;                                     // likewise
  std::array<std::uint64_t, fault_names.size()> faults{};

  std::uint64_t count(S3Operation operation) const {
    return requests[static_cast<std::size_t>(operation)];
  }
  std::uint64_t count(FaultKind fault) const { return faults[static_cast<std::size_t>(fault)]; }
};

class S3Emulator {
 public:
  // Serves from here on, on a thread of its own. Throws FatalError when it cannot listen, and as
  // S3Service does.
  explicit S3Emulator(S3EmulatorOptions options);
  ~S3Emulator();
  S3Emulator(const S3Emulator&) = delete;
  S3Emulator& operator=(const S3Emulator&) = delete;

  // http://HOST:PORT
  std::string url() const;

  // Serves no more, and says what it was used for. Once.
  S3Usage stop();

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

// The object of GET /_stats.
std::string usage_json(const S3Usage& usage);

}  // namespace penstock
