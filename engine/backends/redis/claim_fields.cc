#include "engine/backends/redis/claim_fields.h"

#include <charconv>

namespace penstock {
namespace {

// "BYTES,MODIFIED,CHANGED".
std::string text_of(const SourceStamp& stamp) {
  return std::to_string(stamp.bytes) + "," + std::to_string(stamp.modified_ns) + "," +
         std::to_string(stamp.changed_ns);
}

SourceStamp stamp_of(const std::string& text) {
  SourceStamp stamp;
  const char* const end = text.data() + text.size();
  const char* at = std::from_chars(text.data(), end, stamp.bytes).ptr;
  if (at != end) at = std::from_chars(at + 1, end, stamp.modified_ns).ptr;
  if (at != end) std::from_chars(at + 1, end, stamp.changed_ns);
  return stamp;
}

}  // namespace

void append_claim(std::vector<std::string>& arguments, const Claim& claim) {
  arguments.insert(arguments.end(),
                   {claim.key, text_of(claim.stamp), claim.location, claim.metadata});
}

Claim read_claim(const RedisReply& list) {
  return {text_at(list, 0), text_at(list, 2), text_at(list, 3), stamp_of(text_at(list, 1))};
}

std::string text_at(const RedisReply& list, std::size_t index) {
  return index < list.elements.size() ? list.elements[index].text : std::string();
}

std::int64_t integer_at(const RedisReply& list, std::size_t index) {
  return index < list.elements.size() ? list.elements[index].integer : 0;
}

}  // namespace penstock
