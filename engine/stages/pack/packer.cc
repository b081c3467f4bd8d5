#include "engine/stages/pack/packer.h"

#include <utility>

namespace penstock {

bool Packer::has_room_for(std::uint64_t tokens, std::uint64_t bytes) const {
  return open_.inputs.size() < limits_.inputs_max && open_.tokens + tokens <= limits_.tokens_max &&
         open_.bytes + bytes <= limits_.bytes_max;
}

std::optional<Pack> Packer::add(Job* job, std::size_t chunk, std::string_view text,
                                std::uint64_t tokens, TimePoint now) {
  std::optional<Pack> full;
  if (!open_.inputs.empty() && !has_room_for(tokens, text.size())) full = flush();
  if (open_.inputs.empty()) opened_at_ = now;
  if (!open_.slices.empty() && open_.slices.back().job == job &&
      open_.slices.back().chunk_end == chunk) {
    ++open_.slices.back().chunk_end;
  } else {
    open_.slices.push_back({job, chunk, chunk + 1});
  }
  open_.inputs.push_back(text);
  open_.tokens += tokens;
  open_.bytes += text.size();
  return full;
}

std::optional<Pack> Packer::flush() {
  if (open_.inputs.empty()) return std::nullopt;
  return std::exchange(open_, Pack{});
}

}  // namespace penstock
