// The tokens that may be paid for, and those that were or may have been.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/io/receipt.h"

namespace penstock {

class Spending {
 public:
  explicit Spending(std::optional<std::uint64_t> tokens_max) : tokens_max_(tokens_max) {}

  std::optional<std::uint64_t> tokens_max() const { return tokens_max_; }
  bool has_room_for(std::uint64_t tokens) const {
    return !tokens_max_ || spent_ + in_flight_ + tokens <= *tokens_max_;
  }
  // Not even if nothing of what is in flight costs anything.
  bool never_has_room_for(std::uint64_t tokens) const {
    return tokens_max_ && spent_ + tokens > *tokens_max_;
  }

  void sent(std::uint64_t tokens) { in_flight_ += tokens; }
  // A request that failed half way, by a timeout or a broken connection, may have been paid for.
  void answered(std::uint64_t tokens, const Receipt& receipt) {
    in_flight_ -= tokens;
    switch (receipt.answer) {
      case Answer::embedded:
      case Answer::nonsense:
        spent_ += receipt.tokens.value_or(tokens);
        break;
      case Answer::failed:
        spent_ += tokens;
        break;
      case Answer::refused_input:
      case Answer::rate_limited:
      case Answer::key_refused:
      case Answer::misconfigured:
        break;
    }
  }

 private:
  const std::optional<std::uint64_t> tokens_max_;
  std::uint64_t spent_ = 0;
  std::uint64_t in_flight_ = 0;
};

}  // namespace penstock
