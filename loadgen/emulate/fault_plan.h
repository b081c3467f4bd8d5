// Which requests go wrong, and how.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

namespace penstock {

enum class FaultKind {
  rate_limited,       // 429 that says to come back in 200 ms
  rate_limited_bare,  // 429 without a word about limits
  server_error,       // 500
  unavailable,        // 503 that says to come back in a second
  reset,              // the connection is reset in place of an answer
  stall,              // half an answer, then silence
  hang,               // no answer
  truncated,          // half an answer, then the connection is closed
  malformed,          // an answer that breaks off, or holds what is wrong
  wrong_count,        // one vector too few
  wrong_dimension,    // the last vector is one number short
  duplicate_index,    // two vectors for the same input
};

inline constexpr std::array<std::string_view, 12> fault_names = {"rate_limited",
                                                                 "rate_limited_bare",
                                                                 "server_error",
                                                                 "unavailable",
                                                                 "reset",
                                                                 "stall",
                                                                 "hang",
                                                                 "truncated",
                                                                 "malformed",
                                                                 "wrong_count",
                                                                 "wrong_dimension",
                                                                 "duplicate_index"};

// Those that any service may have; the others are wrong vectors.
inline constexpr std::array<FaultKind, 9> answer_fault_kinds = {
    FaultKind::rate_limited, FaultKind::rate_limited_bare,
    FaultKind::server_error, FaultKind::unavailable,
    FaultKind::reset,        FaultKind::stall,
    FaultKind::hang,         FaultKind::truncated,
    FaultKind::malformed};

constexpr std::string_view name_of(FaultKind kind) {
  return fault_names[static_cast<std::size_t>(kind)];
}

std::optional<FaultKind> fault_of_name(std::string_view name);

// The same draws for the same seed, on every machine. One thread.
class FaultPlan {
 public:
  // `fraction` of the requests (0 to 1) meet one of `kinds`, each as often as another; of all if
  // there are none.
  FaultPlan(double fraction, std::vector<FaultKind> kinds, std::uint64_t seed);

  // What the next request meets.
  std::optional<FaultKind> next();

 private:
  double fraction_;
  std::vector<FaultKind> kinds_;
  std::mt19937_64 random_;
};

}  // namespace penstock
