#include "loadgen/emulate/pinecone_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace penstock {
namespace {

constexpr std::chrono::seconds period{1};

PineconeError exhausted(const std::string& what) {
  return {429, 8, "Request failed. You've reached the max " + what + "; retry with backoff."};
}

}  // namespace

std::uint64_t PineconeRates::limit_of(PineconeOperation operation) const {
  switch (operation) {
    case PineconeOperation::upsert:
      return limits_.upserts;
    case PineconeOperation::query:
      return limits_.queries;
    case PineconeOperation::erase:
      return limits_.deletes;
    case PineconeOperation::list:
      return limits_.lists;
    case PineconeOperation::fetch:
      return limits_.fetches;
    case PineconeOperation::describe:
      break;
  }
  return limits_.describes;
}

std::optional<PineconeError> PineconeRates::ask(PineconeOperation operation,
                                                const std::string& space, std::uint64_t bytes,
                                                TimePoint now) {
  const bool is_of_space = operation == PineconeOperation::upsert ||
                           operation == PineconeOperation::query ||
                           operation == PineconeOperation::erase;
  if (operation != PineconeOperation::upsert) bytes = 0;
  const std::uint64_t limit = limit_of(operation);
  Buckets& buckets = buckets_
                         .try_emplace({operation, is_of_space ? space : std::string()},
                                      Buckets{RefillBucket(limit, period),
                                              RefillBucket(limits_.upsert_bytes, period)})
                         .first->second;
  if (!buckets.requests.has(1, now))
    return exhausted(fmt::format("{} requests per second ({})",
                                 pinecone_operation_names[static_cast<std::size_t>(operation)],
                                 limit));
  if (!buckets.bytes.has(bytes, now))
    return exhausted(
        fmt::format("upsert size per second per namespace ({} bytes)", limits_.upsert_bytes));
  buckets.requests.take(1);
  buckets.bytes.take(bytes);
  return std::nullopt;
}

}  // namespace penstock
