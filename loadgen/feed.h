// Documents in this process' memory that wait for an engine in it: what a queue's server and a blob
// store are for others.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/core/error.h"
#include "engine/io/blob_store.h"
#include "engine/io/broker.h"
#include "loadgen/content.h"

namespace penstock {

// Any thread. What waits is a few kilobytes each, and no more than the schedule has.
class Feed {
 public:
  void put(const std::string& key, Lane lane, Content content);

  // The next of the lane; blocks until there is one. Absent once it is closed.
  std::optional<Claim> take(Lane lane);
  void give_back(const Claim& claim, Lane lane);
  void ended(const Claim& claim);
  void close(Lane lane);

  // As of a broker.
  Result<BrokerState> state();
  Result<std::vector<std::optional<QueuedDocument>>> find(std::span<const std::string> keys);
  // Nobody takes anything any more; what is asked of it from here on is answered with this.
  void abandon(Error why);

  // Reads a document that has not ended, by its key.
  BlobStore& contents() { return contents_; }

 private:
  class Contents final : public BlobStore {
   public:
    explicit Contents(Feed& feed) : feed_(feed) {}
    Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) override;
    Result<void> write(const std::string& location, std::string_view bytes) override;
    Result<std::unique_ptr<BlobWriter>> begin(const std::string& location) override;
    Result<void> remove(const std::string& location) override;

   private:
    Feed& feed_;
  };

  struct Document {
    Content content;
    Lane lane = Lane::bulk;
    bool is_taken = false;
  };
  struct Waiting {
    std::deque<std::string> keys;
    bool is_closed = false;
  };

  Waiting& of(Lane lane) { return waiting_.at(index_of(lane)); }

  Contents contents_{*this};
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Document> documents_;  // that have not ended
  std::array<Waiting, 2> waiting_;                       // by lane
  std::optional<Error> abandoned_;
};

}  // namespace penstock
