// What an emulated index was used for.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "loadgen/emulate/fault_plan.h"
#include "loadgen/emulate/pinecone_limits.h"

namespace penstock {

struct PineconeUsage {
  std::array<std::uint64_t, pinecone_operation_names.size()> requests{};  // of all outcomes
  std::uint64_t answered = 0;  // 200 and intact, as far as it depends on this side
  std::uint64_t rate_limited = 0;
  std::uint64_t refused = 0;  // not valid, or with a wrong key
  std::array<std::uint64_t, fault_names.size()> faults{};
  std::uint64_t upserted = 0;          // records that were written, also over others
  std::uint64_t upsert_bytes_max = 0;  // of one request
  std::uint64_t upsert_records_max = 0;
  std::uint64_t records = 0;  // that are there and visible, in all namespaces

  std::uint64_t requests_of(PineconeOperation operation) const {
    return requests[static_cast<std::size_t>(operation)];
  }
};

// The object of GET /stats.
std::string usage_json(const PineconeUsage& usage);

}  // namespace penstock
