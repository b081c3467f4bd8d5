// Fills embedding requests with chunks of several documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/lane.h"
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

// A chunk to be packed.
struct PackInput {
  Job* job = nullptr;
  std::size_t chunk = 0;
  std::string_view text;
  std::uint64_t tokens = 0;
};

// What travels in one embedding request.
struct Pack {
  Lane lane = Lane::bulk;
  std::vector<PackSlice> slices;
  std::vector<std::string_view> inputs;  // the slices' chunks' texts, in order
  std::vector<std::uint32_t> input_tokens;
  std::uint64_t tokens = 0;
  std::uint64_t estimated_tokens = 0;
  std::uint64_t bytes = 0;
  TimePoint packed_at{};   // left the packer
  TimePoint granted_at{};  // left the throttle
  // Why it comes back without vectors that are kept: not to be sent, or not to be kept.
  std::optional<Error> error;
  Grant grant;
  Embedding embedding;           // what the embedder said
  Blame blame = Blame::request;  // and whose fault it is, if there are no vectors

  void add(const PackInput& input);
};

// Two packs of half the inputs each; the pack has at least two.
std::vector<Pack> bisect(const Pack& pack);

// Bounded by the limits: at most one pack that is not full. It is not flushed by itself; whoever
// owns the packer flushes it at the deadline and whenever nothing can follow, so that a document
// never waits for company that does not come. One thread at a time.
class Packer {
 public:
  Packer(PackLimits limits, Lane lane, Duration wait_max);

  // Adds one chunk. Returns the pack that had no room for it, if it filled one. A chunk larger than
  // the limits travels alone: only the embedder can say whether it takes it.
  std::optional<Pack> add(const PackInput& input, TimePoint now);

  // The pack that is not full, if there is any; afterwards there is none.
  std::optional<Pack> flush();

  // A pack of this chunk only: for one that is under suspicion.
  Pack alone(const PackInput& input) const;

  // Whether the oldest chunk has waited long enough for more.
  bool is_due(TimePoint now) const {
    return !open_.inputs.empty() && now - opened_at_ >= wait_max_;
  }

 private:
  bool has_room_for(const PackInput& input) const;

  const PackLimits limits_;
  const Duration wait_max_;
  const Pack empty_;  // of the lane
  Pack open_;
  TimePoint opened_at_{};
};

}  // namespace penstock
