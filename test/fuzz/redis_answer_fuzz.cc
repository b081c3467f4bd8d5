// Anything as the answer of a Redis: as a cluster's map of slots, and as a document of the queue.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/backends/redis/claim_fields.h"
#include "engine/backends/redis/slot_map.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

constexpr int depth_max = 8;

std::string_view next_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

// A line a reply, as the protocol has it: *COUNT and so many more, :INTEGER, $TEXT, -ERROR; else
// nil.
RedisReply read_reply(std::string_view& text, int depth) {
  RedisReply reply;
  std::string_view line = next_line(text);
  if (line.empty()) return reply;
  const char type = line.front();
  line.remove_prefix(1);
  if (type == ':' || type == '*')
    std::from_chars(line.data(), line.data() + line.size(), reply.integer);
  if (type == ':') reply.kind = RedisReply::Kind::integer;
  if (type == '$') reply.kind = RedisReply::Kind::text;
  if (type == '-') reply.kind = RedisReply::Kind::error;
  if (type == '$' || type == '-') reply.text = line;
  if (type != '*') return reply;
  reply.kind = RedisReply::Kind::array;
  for (std::int64_t left = std::exchange(reply.integer, 0);
       left > 0 && !text.empty() && depth < depth_max; --left)
    reply.elements.push_back(read_reply(text, depth + 1));
  return reply;
}

void check_slots(const RedisReply& reply) {
  const RedisAddress before{"before", 1};
  SlotMap map;
  map.set(7, before);
  if (!map.read(reply, {"asked", 9})) {
    REQUIRE(map.owner_of(7) != nullptr && *map.owner_of(7) == before);
    REQUIRE(map.nodes() == std::vector<RedisAddress>{before});
    return;
  }
  for (const RedisAddress& node : map.nodes()) REQUIRE(!node.host.empty() && node.port != 0);
  for (std::size_t slot = 0; slot < redis_slot_count; ++slot)
    if (const RedisAddress* const owner = map.owner_of(static_cast<std::uint16_t>(slot)))
      REQUIRE(std::ranges::find(map.nodes(), *owner) != map.nodes().end());
}

void check_claim(const RedisReply& reply) {
  const Claim claim = read_claim(reply);
  std::vector<std::string> fields;
  append_claim(fields, claim);
  RedisReply written;
  written.kind = RedisReply::Kind::array;
  for (std::string& field : fields) {
    written.elements.emplace_back();
    written.elements.back().text = std::move(field);
  }
  const Claim again = read_claim(written);
  REQUIRE(again.key == claim.key && again.location == claim.location);
  REQUIRE(again.metadata == claim.metadata && again.stamp == claim.stamp);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  REQUIRE(penstock::redis_slot_of(text) < penstock::redis_slot_count);
  const penstock::RedisReply reply = penstock::read_reply(text, 0);
  penstock::check_slots(reply);
  penstock::check_claim(reply);
  return 0;
}
