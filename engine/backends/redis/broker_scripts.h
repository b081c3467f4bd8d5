// What a broker does to a shard of its queue, each step a script that runs whole or not at all.
#pragma once

#include "engine/backends/redis/redis.h"

namespace penstock {

// Every script but the last two gets a shard's keys (queue_keys.h). Arguments and answers are told
// at each script's text. Where a document is in an answer, it is a list: key, stamp, location,
// metadata, then what the script adds.
struct BrokerScripts {
  RedisScript enqueue;
  RedisScript claim;
  RedisScript look_for_ended;
  RedisScript take_over;
  RedisScript settle;
  RedisScript renew;
  RedisScript state;
  RedisScript find;
  RedisScript dead;
  RedisScript retry;
  RedisScript report;   // of the key of workers
  RedisScript workers;  // likewise
};

const BrokerScripts& broker_scripts();

}  // namespace penstock
