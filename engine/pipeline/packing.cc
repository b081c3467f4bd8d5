#include "engine/pipeline/packing.h"

#include <utility>

#include "engine/pipeline/delivery.h"

namespace penstock {
namespace {

TimePoint now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Packing::Packing(PackLimits limits, Duration wait_max)
    : packers_{Packer(limits, Lane::interactive, wait_max), Packer(limits, Lane::bulk, wait_max)} {}

bool Packing::add(Job& job, Packs& leaving) {
  const Lane lane = job.lane;
  bool is_under_way = false;
  if (job.chunks_to_embed > 0) {
    job.times.started(Stage::pack, now());
    for (std::size_t i = 0; i < job.chunks.size(); ++i)
      if (job.is_known.empty() || !job.is_known[i])
        add({&job, i, job.chunks[i].text, job.chunks[i].tokens}, leaving);
    is_under_way = --job.chunks_to_embed > 0;
  }
  --expected_[index_of(lane)];
  return is_under_way;
}

void Packing::add(const Pack& returned, Packs& leaving) {
  std::size_t input = 0;
  for (const PackSlice& slice : returned.slices) {
    for (std::size_t chunk = slice.chunk_begin; chunk < slice.chunk_end; ++chunk, ++input)
      add({slice.job, chunk, returned.inputs[input], returned.input_tokens[input]}, leaving);
  }
}

void Packing::flush(Packs& leaving) {
  for (const Lane lane : all_lanes) {
    Packer& packer = packers_[index_of(lane)];
    const bool nothing_follows = expected_[index_of(lane)] == 0;
    if (waiting_[index_of(lane)] == 0 && (nothing_follows || packer.is_due(now())))
      emit(packer.flush(), leaving);
  }
}

void Packing::add(const PackInput& input, Packs& leaving) {
  Packer& packer = packers_[index_of(input.job->lane)];
  emit(Delivery::travels_alone(*input.job, input.chunk) ? packer.alone(input)
                                                        : packer.add(input, now()),
       leaving);
}

void Packing::emit(std::optional<Pack> pack, Packs& leaving) {
  if (!pack) return;
  pack->packed_at = now();
  leaving.push_back(std::make_unique<Pack>(std::move(*pack)));
}

}  // namespace penstock
