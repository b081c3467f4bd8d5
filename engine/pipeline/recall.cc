#include "engine/pipeline/recall.h"

#include <algorithm>
#include <utility>

namespace penstock {

// Each text is begun before it is looked for, and kept before it ends: so whoever begins it next
// finds it.
std::vector<Job*> Recall::recall(Job& job) {
  name_texts(job);
  std::vector<std::size_t> chunks;  // the others wait for the same text elsewhere
  std::vector<EmbeddingId> ids;
  for (std::size_t i = 0; i < job.chunks.size(); ++i) {
    if (!same_texts_.begin(job.embedding_ids[i], {&job, i})) continue;
    chunks.push_back(i);
    ids.push_back(job.embedding_ids[i]);
  }
  std::vector<float> rows(ids.size() * dimensions_);
  const Result<std::vector<bool>> found = cache_.find(ids, rows);

  job.is_known.assign(job.chunks.size(), true);
  std::vector<Job*> complete;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    std::vector<Job*> ended;
    if (!found) {
      ended = delivery_.lost(job, chunks[i], found.error());
    } else if ((*found)[i]) {
      std::copy_n(rows.data() + i * dimensions_, dimensions_,
                  job.vectors.data() + chunks[i] * dimensions_);
      ended = delivery_.found(job, chunks[i]);
    } else {
      job.is_known[chunks[i]] = false;
    }
    complete.insert(complete.end(), ended.begin(), ended.end());
  }
  count_known(job);
  return complete;
}

void Recall::look_up(Job& job) {
  name_texts(job);
  std::vector<float> rows(job.chunks.size() * dimensions_);
  Result<std::vector<bool>> found = cache_.find(job.embedding_ids, rows);
  if (!found) {
    job.abandoned = found.error();
    return;
  }
  job.is_known = std::move(*found);
  count_known(job);
}

void Recall::name_texts(Job& job) const {
  job.embedding_ids.reserve(job.chunks.size());
  for (const Chunk& chunk : job.chunks)
    job.embedding_ids.push_back(EmbeddingId::of(chunk.text, model_));
}

void Recall::count_known(Job& job) {
  for (std::size_t i = 0; i < job.chunks.size(); ++i)
    if (job.is_known[i]) job.cached_tokens += job.chunks[i].tokens;
}

}  // namespace penstock
