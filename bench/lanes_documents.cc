#include "bench/lanes_documents.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <random>
#include <string_view>

namespace penstock {
namespace {

// One token each, with the space before it.
constexpr std::array<std::string_view, 32> words = {
    "the",   "water",  "pressure", "and",   "flow", "river", "gate",  "channel",
    "level", "of",     "basin",    "that",  "with", "from",  "power", "house",
    "after", "before", "through",  "where", "much", "small", "great", "under",
    "over",  "first",  "last",     "year",  "work", "long",  "never", "always"};

constexpr std::size_t sentence_words = 16;
constexpr std::size_t paragraph_sentences = 6;

// Of the logarithm of a bulk document's tokens: 11,000 on average.
constexpr double bulk_middle = 8.8057;
constexpr double bulk_spread = 1;
constexpr double bulk_tokens_max = 200'000;
// What interactive documents have: one to three chunks.
constexpr std::size_t interactive_tokens_min = 64;
constexpr std::size_t interactive_tokens_max = 1'300;

// Documents of the two queues have different numbers, so different texts.
constexpr std::uint64_t first_interactive = 1ull << 40;

Claim claim_of(std::uint64_t number, std::size_t tokens) {
  Claim claim;
  claim.location = std::to_string(number) + ":" + std::to_string(tokens);
  claim.key = "generated/" + claim.location;
  claim.stamp.bytes = tokens * 6;  // about; the pipeline looks again when it has read it
  return claim;
}

}  // namespace

std::string generated_text(std::uint64_t number, std::size_t tokens) {
  std::mt19937_64 random(number);
  std::string text;
  text.reserve(tokens * 6);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < tokens; ++i) {
    constexpr unsigned draws_of_64_bits = 12;  // of 5 bits
    if (i % draws_of_64_bits == 0) bits = random();
    text += words[bits % words.size()];
    bits /= words.size();
    const bool ends_sentence = (i + 1) % sentence_words == 0;
    const bool ends_paragraph = (i + 1) % (sentence_words * paragraph_sentences) == 0;
    text += ends_paragraph ? ".\n\n" : ends_sentence ? ". " : " ";
  }
  return text;
}

Result<MemoryFile> GeneratedBlobs::read(const std::string& location, std::uint64_t) {
  std::uint64_t number = 0;
  std::size_t tokens = 0;
  const char* const last = location.data() + location.size();
  const auto [colon, error] = std::from_chars(location.data(), last, number);
  std::from_chars(colon + 1, last, tokens);
  return MemoryFile::of(generated_text(number, tokens));
}

std::optional<Claim> EndlessDocuments::claim() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return std::nullopt;
  }
  std::mt19937_64 random(seed_ + next_);
  std::lognormal_distribution<double> length(bulk_middle, bulk_spread);
  const double tokens = std::clamp(length(random), 50.0, bulk_tokens_max);
  return claim_of(next_++, static_cast<std::size_t>(tokens));
}

void EndlessDocuments::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

ArrivingDocuments::ArrivingDocuments(TimePoint begin, Duration span, double per_second,
                                     std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap_s(per_second);
  std::uniform_int_distribution<std::size_t> length(interactive_tokens_min, interactive_tokens_max);
  const auto next_gap = [&] {
    return std::chrono::round<Duration>(std::chrono::duration<double>(gap_s(random)));
  };
  for (TimePoint at = begin + next_gap(); at <= begin + span; at += next_gap()) {
    arrivals_.push_back({at, claim_of(first_interactive + arrivals_.size(), length(random))});
    times_.emplace(arrivals_.back().claim.key, at);
  }
}

std::optional<TimePoint> ArrivingDocuments::arrival_of(const Claim& claim) const {
  const auto found = times_.find(claim.key);
  if (found == times_.end()) return std::nullopt;
  return found->second;
}

std::optional<Claim> ArrivingDocuments::claim() {
  if (next_ == arrivals_.size()) return std::nullopt;
  const Arrival& arrival = arrivals_[next_++];
  std::unique_lock lock(mutex_);
  if (closing_.wait_until(lock, arrival.at, [this] { return closed_; })) return std::nullopt;
  return arrival.claim;
}

void ArrivingDocuments::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  closing_.notify_one();
}

}  // namespace penstock
