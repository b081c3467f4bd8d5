// Fills embedding requests with chunks of several documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/core/clock.h"
#include "engine/io/embedder.h"
#include "engine/io/quota.h"

namespace penstock {

struct Job;  // opaque here: whose chunks they are

// Consecutive chunks of one document, and where their vectors go.
struct PackSlice {
  Job* job = nullptr;
  std::size_t chunk_begin = 0;  // half open
  std::size_t chunk_end = 0;
};

// What travels in one embedding request.
struct Pack {
  std::vector<PackSlice> slices;
  std::vector<std::string_view> inputs;  // the slices' chunks' texts, in order
  std::uint64_t tokens = 0;
  std::uint64_t bytes = 0;
  TimePoint packed_at{};   // left the packer
  TimePoint granted_at{};  // left the throttle
  Grant grant;
  std::optional<Error> refused;  // by the throttle: not to be sent
};

// Bounded by the limits: at most one pack that is not full. It is not flushed by itself; whoever
// owns the packer flushes it at the deadline and whenever nothing can follow, so that a document
// never waits for company that does not come. One thread at a time.
class Packer {
 public:
  Packer(PackLimits limits, Duration wait_max) : limits_(limits), wait_max_(wait_max) {}

  // Adds one chunk. Returns the pack that had no room for it, if it filled one. A chunk larger than
  // the limits travels alone: only the embedder can say whether it takes it.
  std::optional<Pack> add(Job* job, std::size_t chunk, std::string_view text, std::uint64_t tokens,
                          TimePoint now);

  // The pack that is not full, if there is any; afterwards there is none.
  std::optional<Pack> flush();

  // Whether the oldest chunk has waited long enough for more.
  bool is_due(TimePoint now) const {
    return !open_.inputs.empty() && now - opened_at_ >= wait_max_;
  }

 private:
  bool has_room_for(std::uint64_t tokens, std::uint64_t bytes) const;

  const PackLimits limits_;
  const Duration wait_max_;
  Pack open_;
  TimePoint opened_at_{};
};

}  // namespace penstock
