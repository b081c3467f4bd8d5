#include "engine/backends/redis/queue_keys.h"

#include <algorithm>

#include "engine/core/error.h"
#include "engine/core/ids.h"

namespace penstock {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

QueueKeys::QueueKeys(const std::string& queue) {
  if (queue.empty() || queue.size() > 64 || !std::ranges::all_of(queue, is_plain))
    throw FatalError("\"" + queue +
                     "\" is no name of a queue; it has 1 to 64 letters, digits, '.', '_' or '-'");
  for (std::size_t shard = 0; shard < shard_count; ++shard)
    for (const char* name :
         {"documents", "dead", "interactive", "bulk", "interactive:delayed", "bulk:delayed"})
      shards_[shard].push_back("penstock:{" + queue + ":" + std::to_string(shard) + "}:" + name);
  workers_ = "penstock:{" + queue + "}:workers";
  events_ = "penstock:{" + queue + "}:events";
}

std::string QueueKeys::events(std::uint32_t database) const {
  return database == 0 ? events_ : events_ + ":" + std::to_string(database);
}

std::size_t QueueKeys::shard_of(std::string_view document_key) {
  return DocumentId::of_key(document_key).bytes[0] % shard_count;
}

}  // namespace penstock
