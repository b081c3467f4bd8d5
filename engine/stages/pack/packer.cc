#include "engine/stages/pack/packer.h"

#include <utility>

namespace penstock {
namespace {

// A provider's estimate before it counts: a quarter token a byte (OpenAI).
std::uint64_t estimated_tokens(std::string_view text) {
  return (text.size() + 3) / 4;
}

Pack empty_pack(Lane lane) {
  Pack pack;
  pack.lane = lane;
  return pack;
}

}  // namespace

void Pack::add(const PackInput& input) {
  if (!slices.empty() && slices.back().job == input.job && slices.back().chunk_end == input.chunk) {
    ++slices.back().chunk_end;
  } else {
    slices.push_back({input.job, input.chunk, input.chunk + 1});
  }
  inputs.push_back(input.text);
  input_tokens.push_back(static_cast<std::uint32_t>(input.tokens));
  tokens += input.tokens;
  estimated_tokens += penstock::estimated_tokens(input.text);
  bytes += input.text.size();
}

std::vector<Pack> bisect(const Pack& pack) {
  std::vector<Pack> halves(2, empty_pack(pack.lane));
  const std::size_t middle = pack.inputs.size() / 2;
  std::size_t input = 0;
  for (const PackSlice& slice : pack.slices) {
    for (std::size_t chunk = slice.chunk_begin; chunk < slice.chunk_end; ++chunk, ++input)
      halves[input < middle ? 0 : 1].add(
          {slice.job, chunk, pack.inputs[input], pack.input_tokens[input]});
  }
  return halves;
}

Packer::Packer(PackLimits limits, Lane lane, Duration wait_max)
    : limits_(limits), wait_max_(wait_max), empty_(empty_pack(lane)), open_(empty_) {}

bool Packer::has_room_for(const PackInput& input) const {
  return open_.inputs.size() < limits_.inputs_max &&
         open_.tokens + input.tokens <= limits_.tokens_max &&
         open_.estimated_tokens + estimated_tokens(input.text) <= limits_.estimated_tokens_max &&
         open_.bytes + input.text.size() <= limits_.bytes_max;
}

std::optional<Pack> Packer::add(const PackInput& input, TimePoint now) {
  std::optional<Pack> full;
  if (!open_.inputs.empty() && !has_room_for(input)) full = flush();
  if (open_.inputs.empty()) opened_at_ = now;
  open_.add(input);
  return full;
}

std::optional<Pack> Packer::flush() {
  if (open_.inputs.empty()) return std::nullopt;
  return std::exchange(open_, empty_);
}

Pack Packer::alone(const PackInput& input) const {
  Pack pack = empty_;
  pack.add(input);
  return pack;
}

}  // namespace penstock
