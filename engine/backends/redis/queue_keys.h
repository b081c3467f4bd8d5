// A queue in Redis is cut into shards, so that the nodes of a cluster share it. All keys of a shard
// have one hash tag: they live on one node, and a script may touch them together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

class QueueKeys {
 public:
  // More than the nodes of any cluster that a queue needs: one node does over 20,000 documents a
  // second. Few enough that to look into all of them costs an idle worker little. Fixed, because a
  // document has to be found where it was put.
  static constexpr std::size_t shard_count = 16;

  // Throws FatalError unless the queue's name is 1 to 64 letters, digits, '.', '_' or '-'.
  explicit QueueKeys(const std::string& queue);

  static std::size_t shard_of(std::string_view document_key);

  // KEYS of a shard's scripts (broker_scripts.cc): documents, dead letters, then of the lanes
  // interactive and bulk the streams, then the delayed.
  const std::vector<std::string>& of_shard(std::size_t shard) const { return shards_[shard]; }
  // Reports of workers.
  const std::string& workers() const { return workers_; }
  // The channel of events. Databases of one server share their channels, so it names its own.
  std::string events(std::uint32_t database) const;

 private:
  std::array<std::vector<std::string>, shard_count> shards_;
  std::string workers_;
  std::string events_;
};

}  // namespace penstock
