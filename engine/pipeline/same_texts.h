// Chunks of the same text that are under way at once, of one or several documents: the first is
// embedded, the others wait for its vector. Copies of a file come together, and so do two editions
// of a manual, before any of their vectors can be found in the embedding cache.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/core/ids.h"

namespace penstock {

struct Job;

struct ChunkOfJob {
  Job* job = nullptr;
  std::size_t chunk = 0;
};

// Bounded by the documents in flight. Any thread.
class SameTexts {
 public:
  // True if no chunk of this text is under way: this one is, from now on until end(). False: it
  // waits for that one.
  bool begin(const EmbeddingId& id, ChunkOfJob chunk) {
    const std::lock_guard lock(mutex_);
    const auto [found, is_first] = waiting_.try_emplace(id);
    if (!is_first) found->second.push_back(chunk);
    return is_first;
  }

  // No chunk of this text is under way any more. Returns those that waited.
  std::vector<ChunkOfJob> end(const EmbeddingId& id) {
    const std::lock_guard lock(mutex_);
    auto node = waiting_.extract(id);
    return node.empty() ? std::vector<ChunkOfJob>() : std::move(node.mapped());
  }

  // The chunk that was under way will not be embedded, and this one, that waited, is in its place;
  // absent if none waited.
  std::optional<ChunkOfJob> pass_on(const EmbeddingId& id) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return std::nullopt;
    if (found->second.empty()) {
      waiting_.erase(found);
      return std::nullopt;
    }
    const ChunkOfJob next = found->second.back();
    found->second.pop_back();
    return next;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<EmbeddingId, std::vector<ChunkOfJob>> waiting_;  // guarded by mutex_
};

}  // namespace penstock
