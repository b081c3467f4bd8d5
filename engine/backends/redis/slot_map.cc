#include "engine/backends/redis/slot_map.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

constexpr std::array<std::uint16_t, 256> crc16_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021U : 0U);
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

// The part of a range's answer that names a node: host, port, id, more in Redis 7.
bool read_node(const RedisReply& node, const RedisAddress& asked, RedisAddress& address) {
  if (node.elements.size() < 2 || node.elements[1].integer <= 0 ||
      node.elements[1].integer > 0xFFFF)
    return false;
  address.host = node.elements[0].text;
  if (address.host.empty()) address.host = asked.host;
  address.port = static_cast<std::uint16_t>(node.elements[1].integer);
  return address.host != "?";  // Redis 7: it has a name, which is not known yet
}

}  // namespace

std::uint16_t redis_slot_of(std::string_view key) {
  static constexpr std::array<std::uint16_t, 256> table = crc16_table();
  if (const std::size_t open = key.find('{'); open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1)
      key = key.substr(open + 1, close - open - 1);
  }
  std::uint16_t crc = 0;
  for (const char c : key)
    crc = static_cast<std::uint16_t>(crc << 8) ^ table[(crc >> 8) ^ static_cast<unsigned char>(c)];
  return crc % redis_slot_count;
}

bool SlotMap::read(const RedisReply& slots, const RedisAddress& asked) {
  if (slots.kind != RedisReply::Kind::array) return false;
  SlotMap read;
  for (const RedisReply& range : slots.elements) {
    if (range.elements.size() < 3) return false;
    const std::int64_t first = range.elements[0].integer;
    const std::int64_t last = range.elements[1].integer;
    if (first < 0 || last < first || last >= static_cast<std::int64_t>(redis_slot_count))
      return false;
    for (std::size_t i = 2; i < range.elements.size(); ++i) {
      RedisAddress address;
      if (!read_node(range.elements[i], asked, address)) continue;
      const std::uint16_t node = read.index_of(address);
      if (i == 2) std::fill(&read.owners_[first], &read.owners_[last] + 1, node);
    }
  }
  *this = std::move(read);
  return true;
}

void SlotMap::set(std::uint16_t slot, const RedisAddress& owner) {
  owners_[slot] = index_of(owner);
}

const RedisAddress* SlotMap::owner_of(std::uint16_t slot) const {
  return owners_[slot] == nobody ? nullptr : &nodes_[owners_[slot]];
}

std::vector<RedisAddress> SlotMap::masters() const {
  std::vector<RedisAddress> masters;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (std::ranges::find(owners_, i) != owners_.end()) masters.push_back(nodes_[i]);
  return masters;
}

std::uint16_t SlotMap::index_of(const RedisAddress& node) {
  const auto found = std::ranges::find(nodes_, node);
  if (found == nodes_.end()) {
    nodes_.push_back(node);
    return static_cast<std::uint16_t>(nodes_.size() - 1);
  }
  return static_cast<std::uint16_t>(found - nodes_.begin());
}

}  // namespace penstock
