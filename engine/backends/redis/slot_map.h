// Which node of a cluster serves which keys.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_url.h"

namespace penstock {

inline constexpr std::size_t redis_slot_count = 16'384;

// CRC16 (XMODEM) of the key, or of what is between its first { and the next }, if that is not
// nothing: keys with the same hash tag live on one node.
std::uint16_t redis_slot_of(std::string_view key);

class SlotMap {
 public:
  SlotMap() { owners_.fill(nobody); }

  // Reads an answer to CLUSTER SLOTS of the node at `asked`, which may leave out its own host.
  // False, and nothing changed, if that is no such answer.
  bool read(const RedisReply& slots, const RedisAddress& asked);
  // As a redirection told.
  void set(std::uint16_t slot, const RedisAddress& owner);

  // The master of a slot; null if no node serves it.
  const RedisAddress* owner_of(std::uint16_t slot) const;
  // Masters and replicas.
  const std::vector<RedisAddress>& nodes() const { return nodes_; }
  std::vector<RedisAddress> masters() const;

 private:
  static constexpr std::uint16_t nobody = 0xFFFF;

  std::uint16_t index_of(const RedisAddress& node);

  std::vector<RedisAddress> nodes_;
  std::array<std::uint16_t, redis_slot_count> owners_;  // indices of nodes_
};

}  // namespace penstock
