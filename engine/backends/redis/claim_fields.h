// A document as scripts take it and answer it: key, stamp, location, metadata.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/backends/redis/redis.h"
#include "engine/io/work_queue.h"

namespace penstock {

void append_claim(std::vector<std::string>& arguments, const Claim& claim);

// Of a list that begins with a document. What is missing is empty, as what our scripts answer never
// is.
Claim read_claim(const RedisReply& list);
std::string text_at(const RedisReply& list, std::size_t index);
std::int64_t integer_at(const RedisReply& list, std::size_t index);

}  // namespace penstock
