// What becomes of a pack that was answered: vectors go to their documents' rows; what can be had by
// another attempt is tried again, in smaller packs if the inputs were refused; and a chunk that the
// embedder will not take fails its document and nobody else's.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/pipeline/job.h"
#include "engine/pipeline/same_texts.h"
#include "engine/stages/pack/packer.h"

namespace penstock {

// Owned by whoever holds it.
struct Delivered {
  std::vector<Job*> complete;                  // none of whose chunks is under way any more
  std::unique_ptr<Pack> again;                 // its chunks are packed again like new work
  std::vector<std::unique_ptr<Pack>> smaller;  // are sent as they are
};

// Any thread, several packs at once.
class Delivery {
 public:
  // `same_texts` outlives it.
  Delivery(std::size_t dimensions, SameTexts& same_texts)
      : dimensions_(dimensions), same_texts_(same_texts) {}

  Delivered deliver(std::unique_ptr<Pack> pack);
  // The same for a chunk that needs no request, since its vector was found and is in its row, or
  // cannot have one. Returns other jobs that are complete with it.
  std::vector<Job*> found(Job& job, std::size_t chunk);
  std::vector<Job*> lost(Job& job, std::size_t chunk, const Error& why);

  // A chunk that failed in company travels alone, so that others do not fail with it again.
  static bool travels_alone(Job& job, std::size_t chunk);

 private:
  void take_vectors(const Pack& pack, Delivered& delivered);
  void refuse(std::unique_ptr<Pack> pack, Delivered& delivered);
  void try_again(std::unique_ptr<Pack> pack, Delivered& delivered);
  // Counts an answer that is of no use; whether it is one too many.
  bool is_fruitless();
  void abandon(const Pack& pack, const Error& why, Delivered& delivered);
  // Chunks that waited for this one's vector.
  std::vector<ChunkOfJob> waiting_for(const Job& job, std::size_t chunk);
  std::vector<ChunkOfJob> share(const Job& job, std::size_t chunk);
  static void end(Job& job, std::size_t chunks, const Pack& pack, Delivered& delivered);

  const std::size_t dimensions_;
  SameTexts& same_texts_;
  std::atomic<bool> anything_embedded_{false};
  std::atomic<int> fruitless_{0};  // answers, before that
};

}  // namespace penstock
