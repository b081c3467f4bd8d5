// Chunks and vectors in an index of Pinecone (serverless, metric cosine or dotproduct), one
// namespace of it: pinecone://INDEX-HOST[/NAMESPACE].
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/backends/pinecone/index_client.h"
#include "engine/io/vector_store.h"

namespace penstock {

struct IndexStats;

// What differs from a store that is at hand:
// - Written records become visible later. What this object wrote, and what anybody had written when
//   it was opened for writing, is seen by all its methods, which wait for it as long as
//   PineconeOptions::patience: the service numbers its writes (LSN), and a query's answer names the
//   number up to which it saw them.
// - A record's metadata has 40 KB at most. A text that does not fit beside the rest ends early, at
// a
//   character, and its record has text_cut; its vector is that of the whole text.
// - What an earlier write left of a version beyond its new chunks is removed by count(), which
// lists
//   the version in any case: a list for each upsert would halve what the service's 200 lists a
//   second let a fleet store.
// - A search finds 999 chunks at most. With `accept` it asks again, without the documents that were
//   not accepted, until 10,000 are left out so; then it returns what it has.
// - Nothing tells the service's records from those of another program in the same namespace but
//   their ids: others are neither found nor counted, except by totals().
//
// Errors are retryable after `patience`, or at once and permanent if the service refuses a request;
// they carry its words.
class PineconeVectors final : public VectorStore {
 public:
  // To write, with the vectors of this model only. Throws FatalError, for an index that does not
  // fit or cannot be reached as well. Two writers that open an empty namespace at the same moment,
  // for models of the same dimension, may both succeed.
  PineconeVectors(const PineconeOptions& options, const std::string& model, std::size_t dimensions);
  // To read. Throws FatalError.
  explicit PineconeVectors(const PineconeOptions& options);

  Result<void> upsert(std::span<const VersionChunks> versions) override;
  Result<std::vector<VersionCount>> count(std::span<const VersionName> versions) override;
  Result<void> remove(std::span<const VersionName> versions) override;
  // Any thread.
  Result<std::vector<Hit>> search(std::span<const float> query, std::size_t hits_max,
                                  const std::function<bool(const std::string&)>& accept) override;
  // In no order.
  Result<void> for_each(const std::function<bool(const StoredVersion&)>& visit) override;
  Result<VersionCount> totals() override;
  void require_model(const std::string& model, std::size_t dimensions) override;

 private:
  IndexStats open();
  Result<std::optional<std::string>> stored_model();
  Result<void> write_model(const std::string& description);
  // Takes the LSN of a write's answer.
  Result<void> note_write(const HttpResponse& response);
  // An error, retryable, if a query's answer had not seen all that was written.
  Result<void> require_visible(const HttpResponse& response);
  Result<void> wait_until_visible();
  Result<void> remove_records(const std::vector<std::string>& ids);

  const std::string& space() const { return client_.address().space; }

  const IndexClient client_;
  std::size_t dimensions_ = 0;  // of the index; constant after construction
  std::atomic<std::uint64_t> lsn_written_ = 0;
  std::atomic<std::uint64_t> lsn_visible_ = 0;
  // Of the writer's thread: how many chunks were written since the last count(), by the prefix of
  // their ids.
  std::unordered_map<std::string, std::uint64_t> uncounted_;
};

}  // namespace penstock
