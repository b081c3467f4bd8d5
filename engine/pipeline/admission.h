// The gate of the pipeline, one a lane, and its only memory bound: so many documents and so many
// bytes are in flight at once. It owns the jobs it admitted.
//
// Progress is certain: a document always passes when none is in flight, however large it is, and
// every admitted document reaches `finish`, which releases it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/pipeline/job.h"

namespace penstock {

class Admission {
 public:
  Admission(Lane lane, std::size_t documents_max, std::uint64_t bytes_max)
      : lane_(lane), documents_max_(documents_max), bytes_max_(bytes_max) {}

  // Blocks until there is room for one more document, whatever its bytes.
  void wait_for_room();
  // Blocks until there is room for one more document of so many bytes.
  Job* admit(Claim claim, std::uint64_t bytes);
  // A job's bytes turned out to be others than its stamp said, or its file was given up for its
  // text. Never blocks: what is there is there; the next admit() waits the longer.
  void resize(Job& job, std::uint64_t bytes);
  // Ends the job.
  void release(Job* job);

 private:
  const Lane lane_;
  const std::size_t documents_max_;
  const std::uint64_t bytes_max_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  // Guarded by mutex_.
  std::unordered_map<Job*, std::unique_ptr<Job>> jobs_;
  std::uint64_t bytes_ = 0;
};

}  // namespace penstock
