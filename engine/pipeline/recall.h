// Which chunks of a document need an embedding request of their own: not those whose vector was
// paid for before (engine/io/embedding_cache.h), nor those whose text is under way already.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/embedding_cache.h"
#include "engine/pipeline/delivery.h"
#include "engine/pipeline/job.h"
#include "engine/pipeline/same_texts.h"

namespace penstock {

class Recall {
 public:
  // Of vectors of this model. All outlive it.
  Recall(EmbeddingCache& cache, std::string model, std::size_t dimensions, SameTexts& same_texts,
         Delivery& delivery)
      : cache_(cache),
        model_(std::move(model)),
        dimensions_(dimensions),
        same_texts_(same_texts),
        delivery_(delivery) {}

  // Fills in the job's known rows. Returns other jobs that are complete with them. Blocks on the
  // cache. Any thread.
  std::vector<Job*> recall(Job& job);
  // Only says what is known, for a job that will not be embedded.
  void look_up(Job& job);

 private:
  void name_texts(Job& job) const;
  static void count_known(Job& job);

  EmbeddingCache& cache_;
  const std::string model_;
  const std::size_t dimensions_;
  SameTexts& same_texts_;
  Delivery& delivery_;
};

}  // namespace penstock
