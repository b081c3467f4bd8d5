#include "engine/pipeline/admission.h"

#include <cassert>
#include <utility>

namespace penstock {

void Admission::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return jobs_.empty() || jobs_.size() < documents_max_; });
}

Job* Admission::admit(Claim claim, std::uint64_t bytes) {
  auto job = std::make_unique<Job>(std::move(claim), lane_);
  job->admitted_bytes = bytes;

  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] {
    return jobs_.empty() || (jobs_.size() < documents_max_ && bytes_ + bytes <= bytes_max_);
  });
  bytes_ += bytes;
  Job* admitted = job.get();
  jobs_.emplace(admitted, std::move(job));
  return admitted;
}

void Admission::resize(Job& job, std::uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes - job.admitted_bytes;
    job.admitted_bytes = bytes;
  }
  room_.notify_one();
}

void Admission::release(Job* job) {
  std::unique_ptr<Job> ended;  // destroyed outside the lock: it holds megabytes
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(job);
    assert(found != jobs_.end());
    bytes_ -= job->admitted_bytes;
    ended = std::move(found->second);
    jobs_.erase(found);
  }
  room_.notify_one();
}

}  // namespace penstock
