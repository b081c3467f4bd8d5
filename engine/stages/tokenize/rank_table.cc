#include "engine/stages/tokenize/rank_table.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

extern "C" {
extern const char penstock_cl100k_base_ranks[];
extern const char penstock_cl100k_base_ranks_end[];
extern const char penstock_o200k_base_ranks[];
extern const char penstock_o200k_base_ranks_end[];
}

namespace penstock {
namespace {

std::string_view compressed_ranks(Encoding encoding) {
  const bool cl100k = encoding == Encoding::cl100k_base;
  const char* begin = cl100k ? penstock_cl100k_base_ranks : penstock_o200k_base_ranks;
  const char* end = cl100k ? penstock_cl100k_base_ranks_end : penstock_o200k_base_ranks_end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

std::string decompress(std::string_view data) {
  std::string bytes(ZSTD_getFrameContentSize(data.data(), data.size()), '\0');
  [[maybe_unused]] const std::size_t size =
      ZSTD_decompress(bytes.data(), bytes.size(), data.data(), data.size());
  assert(size == bytes.size());  // the data is part of the program
  return bytes;
}

template <typename Word>
std::uint64_t load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

__extension__ using Uint128 = unsigned __int128;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Reads each byte at least once and none outside. The constants are the fractional digits of pi.
std::uint64_t hash(std::string_view bytes) {
  constexpr std::uint64_t k0 = 0x243F6A8885A308D3;
  constexpr std::uint64_t k1 = 0x13198A2E03707344;
  const char* p = bytes.data();
  const std::size_t n = bytes.size();
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (n >= 8) {
    std::uint64_t state = n * k1;
    for (std::size_t i = 0; i + 16 < n; i += 8) state = mix(state ^ load<std::uint64_t>(p + i), k0);
    a = load<std::uint64_t>(p + (n > 16 ? n - 16 : 0)) ^ state;
    b = load<std::uint64_t>(p + n - 8);
  } else if (n >= 4) {
    a = load<std::uint32_t>(p);
    b = load<std::uint32_t>(p + n - 4);
  } else {
    for (std::size_t i = 0; i < n; ++i) a = a << 8 | static_cast<unsigned char>(p[i]);
  }
  return mix(a ^ k0, b ^ k1 ^ n);
}

}  // namespace

RankTable::RankTable(Encoding encoding) {
  const std::string data = decompress(compressed_ranks(encoding));
  std::uint32_t count;
  std::memcpy(&count, data.data(), sizeof count);
  const char* lengths = data.data() + sizeof count;

  bytes_.assign(lengths + count, data.data() + data.size());
  begins_.reserve(count + 1);
  begins_.push_back(0);
  for (std::uint32_t rank = 0; rank < count; ++rank) {
    const std::size_t length = static_cast<unsigned char>(lengths[rank]);
    length_max_ = std::max(length_max_, length);
    begins_.push_back(begins_.back() + static_cast<std::uint32_t>(length));
  }

  slots_.resize(std::bit_ceil(std::size_t{count} * 2));
  byte_ranks_.fill(no_rank);
  pair_ranks_.assign(std::size_t{256} * 256, no_rank);
  for (std::uint32_t rank = 0; rank < count; ++rank) insert(rank);
}

void RankTable::insert(std::uint32_t rank) {
  const std::string_view bytes = token(rank);
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() == 1) byte_ranks_[byte(0)] = rank;
  if (bytes.size() == 2) pair_ranks_[static_cast<std::size_t>(byte(0)) << 8 | byte(1)] = rank;
  const std::uint64_t h = hash(bytes);
  std::size_t at = h & (slots_.size() - 1);
  while (slots_[at].rank != no_rank) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {static_cast<std::uint32_t>(h >> 32), rank};
}

std::uint32_t RankTable::find(std::string_view bytes) const {
  if (bytes.size() > length_max_) return no_rank;
  const std::uint64_t h = hash(bytes);
  const auto tag = static_cast<std::uint32_t>(h >> 32);
  for (std::size_t at = h & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.rank == no_rank) return no_rank;
    if (slot.tag == tag && token(slot.rank) == bytes) return slot.rank;
  }
}

}  // namespace penstock
