#include "engine/backends/sqlite/nearest.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <mutex>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penstock {
namespace {

#if defined(__x86_64__)
// Four sums in flight hide the latency of the additions.
__attribute__((target("avx2,fma"))) float dot_avx2(const float* a, const float* b,
                                                   std::size_t size) {
  __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                    _mm256_setzero_ps()};
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32)
    for (std::size_t lane = 0; lane < 4; ++lane)
      sums[lane] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + lane * 8),
                                   _mm256_loadu_ps(b + i + lane * 8), sums[lane]);
  const __m256 sum =
      _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, sum);
  float total = 0;
  for (const float lane : lanes) total += lane;
  for (; i < size; ++i) total += a[i] * b[i];
  return total;
}
#endif

using Dot = float (*)(const float*, const float*, std::size_t);

Dot fastest_dot() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return dot_avx2;
#endif
  return dot_scalar;
}

bool is_better(const Neighbour& a, const Neighbour& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// Keeps the best so many, as a heap with the worst on top.
class Best {
 public:
  explicit Best(std::size_t count_max) : count_max_(count_max) {}

  void offer(const Neighbour& candidate) {
    if (heap_.size() == count_max_) {
      if (count_max_ == 0 || !is_better(candidate, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), is_better);
      heap_.back() = candidate;
    } else {
      heap_.push_back(candidate);
    }
    std::push_heap(heap_.begin(), heap_.end(), is_better);
  }
  const std::vector<Neighbour>& any_order() const { return heap_; }
  std::vector<Neighbour> sorted() && {
    std::sort_heap(heap_.begin(), heap_.end(), is_better);
    return std::move(heap_);
  }

 private:
  const std::size_t count_max_;
  std::vector<Neighbour> heap_;
};

}  // namespace

float dot_scalar(const float* a, const float* b, std::size_t size) {
  float total = 0;
  for (std::size_t i = 0; i < size; ++i) total += a[i] * b[i];
  return total;
}

float dot(const float* a, const float* b, std::size_t size) {
  static const Dot fastest = fastest_dot();
  return fastest(a, b, size);
}

std::vector<Neighbour> nearest(std::span<const float> rows, std::span<const float> query,
                               std::size_t count_max, std::span<const std::uint8_t> accept) {
  const std::size_t dimensions = query.size();
  const std::size_t count = dimensions == 0 ? 0 : rows.size() / dimensions;
  Best best(count_max);
  std::mutex mutex;  // guards best
  constexpr std::size_t rows_per_task = 4096;
  tbb::parallel_for(
      tbb::blocked_range<std::size_t>(0, count, rows_per_task),
      [&](const tbb::blocked_range<std::size_t>& range) {
        Best mine(count_max);
        for (std::size_t row = range.begin(); row != range.end(); ++row) {
          if (!accept.empty() && accept[row] == 0) continue;
          mine.offer({row, dot(rows.data() + row * dimensions, query.data(), dimensions)});
        }
        const std::lock_guard lock(mutex);
        for (const Neighbour& each : mine.any_order()) best.offer(each);
      });
  return std::move(best).sorted();
}

}  // namespace penstock
