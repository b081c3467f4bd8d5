#include "loadgen/emulate/pinecone_space.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace penstock {

bool PineconeFilter::takes(const std::string& metadata) const {
  if (field.empty()) return true;
  simdjson::dom::parser parser;
  std::string_view text;
  const bool has = parser.parse(metadata)[field].get(text) == simdjson::SUCCESS;
  return (has && values.contains(std::string(text))) == is_in;
}

float length_of(std::span<const float> vector) {
  return std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0f));
}

std::uint64_t PineconeSpace::write(Write write, TimePoint visible_at) {
  if (!hidden_.empty()) visible_at = std::max(visible_at, hidden_.back().visible_at);
  hidden_.push_back({std::move(write), visible_at});
  return lsn();
}

void PineconeSpace::advance(TimePoint now) {
  while (!hidden_.empty() && hidden_.front().visible_at <= now) {
    Write& write = hidden_.front().write;
    for (auto& [id, record] : write.upserts) records_.insert_or_assign(id, std::move(record));
    for (const std::string& id : write.deletes) records_.erase(id);
    hidden_.pop_front();
    ++visible_lsn_;
  }
}

std::vector<PineconeMatch> PineconeSpace::nearest(std::span<const float> vector,
                                                  std::size_t matches_max,
                                                  const PineconeFilter& filter) const {
  const float length = length_of(vector);
  std::vector<PineconeMatch> matches;
  matches.reserve(records_.size());
  for (const auto& [id, record] : records_) {
    const float product =
        std::inner_product(vector.begin(), vector.end(), record.values.begin(), 0.0f);
    matches.push_back({id, &record, product / (length * record.length)});
  }
  std::ranges::sort(matches, [](const PineconeMatch& a, const PineconeMatch& b) {
    if (a.score != b.score) return a.score > b.score;
    return std::hash<std::string_view>()(a.id) < std::hash<std::string_view>()(b.id);
  });
  std::vector<PineconeMatch> taken;
  for (const PineconeMatch& match : matches) {
    if (taken.size() == matches_max) break;
    if (filter.takes(match.record->metadata)) taken.push_back(match);
  }
  return taken;
}

}  // namespace penstock
