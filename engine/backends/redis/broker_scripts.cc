#include "engine/backends/redis/broker_scripts.h"

#include <string>

namespace penstock {
namespace {

// A shard is two streams, one a lane, whose entries are documents that wait or are leased; two
// sorted sets of those that wait for another attempt, by the time when they are due; and two
// hashes of records by document key: of all the former, and of dead letters.
//
// An entry holds the document's key only. That a document is leased, by whom and since when is what
// its stream's consumer group knows about the entry. All time is the server's.
constexpr const char* common = R"lua(
local documents, dead = KEYS[1], KEYS[2]
local lanes = {
  interactive = {stream = KEYS[3], delayed = KEYS[5]},
  bulk = {stream = KEYS[4], delayed = KEYS[6]},
}
local group = 'workers'

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function find(hash, key)
  local packed = redis.call('HGET', hash, key)
  return packed and cmsgpack.unpack(packed)
end

-- The records of documents that are there, in the order of their keys. Of many, one call takes a
-- fraction of what a call each does; so too below.
local function find_all(keys)
  local records = #keys > 0 and redis.call('HMGET', documents, unpack(keys)) or {}
  for i, packed in ipairs(records) do records[i] = cmsgpack.unpack(packed) end
  return records
end

local function keep(hash, key, record)
  redis.call('HSET', hash, key, cmsgpack.pack(record))
end

-- A stream that nobody has claimed from has no group: then nothing of it is leased.
local function pending(stream, ...)
  local answer = redis.pcall('XPENDING', stream, group, ...)
  return answer.err and {} or answer
end

-- Whether an entry is leased, to anybody.
local function is_leased(stream, entry)
  return #pending(stream, entry, entry, 1) > 0
end

-- The entries that are leased to one consumer: no more than its worker has documents in work.
local function leases_of(stream, consumer)
  local entries = {}
  for _, lease in ipairs(pending(stream, '-', '+', 1000000, consumer)) do
    entries[lease[1]] = true
  end
  return entries
end

-- The document waits, behind all others of its lane.
local function append(key, record)
  record.entry = redis.call('XADD', lanes[record.lane].stream, '*', 'd', key)
  keep(documents, key, record)
end

local function remove_entries(stream, entries)
  redis.call('XACK', stream, group, unpack(entries))
  redis.call('XDEL', stream, unpack(entries))
end

local function delay(key, record, pause_ms)
  record.entry = nil
  keep(documents, key, record)
  redis.call('ZADD', lanes[record.lane].delayed, now_ms() + pause_ms, key)
end

local function bury(key, record, outcome, reason)
  redis.call('HDEL', documents, key)
  record.entry = nil
  record.outcome, record.reason = outcome, reason
  keep(dead, key, record)
end

local function describe(key, record, ...)
  return {key, record.stamp, record.location, record.metadata, ...}
end

-- States are numbers of QueuedDocument::State.
local waiting, leased, delayed, buried = 0, 1, 2, 3
local function describe_state(key, record, state)
  return describe(key, record, record.lane, record.attempts, state, record.next and 1 or 0,
                  record.outcome or '', record.reason or '')
end
)lua";

// ARGV: lane, whether the lane may grow (1 or 0), then of each document: key, stamp, location,
// metadata. Answers the number of an Enqueued for each.
constexpr const char* enqueue = R"lua(
local queued, known, follows, replaced, is_dead, full = 0, 1, 2, 3, 4, 5
local some_are_dead = redis.call('HLEN', dead) > 0
local keys, records, changes = {}, {}, {}
for i = 3, #ARGV, 4 do keys[#keys + 1] = ARGV[i] end
for i, packed in ipairs(redis.call('HMGET', documents, unpack(keys))) do
  records[keys[i]] = packed and cmsgpack.unpack(packed)
end

-- As keep() and append(), with one call at the end for all documents.
local function change(key, record)
  records[key] = record
  changes[#changes + 1] = key
  changes[#changes + 1] = cmsgpack.pack(record)
end
local function add(key, record)
  record.entry = redis.call('XADD', lanes[record.lane].stream, '*', 'd', key)
  change(key, record)
end

-- A stamp of nothing but zeros is none, and equals nothing. What has no location is a removal.
local function is_same(record, other)
  return record.stamp == other.stamp and record.stamp ~= '0,0,0'
    and (record.location == '') == (other.location == '')
end

local function enqueue(key, new)
  local old = records[key]
  if not old then
    local letter = some_are_dead and find(dead, key)
    if letter and is_same(letter, new) then return is_dead end
    if ARGV[2] == '0' then return full end
    if letter then redis.call('HDEL', dead, key) end
    add(key, new)
    return queued
  end
  if is_same(old, new) then return known end
  local lane = lanes[old.lane]
  if old.entry and is_leased(lane.stream, old.entry) then
    old.next = new
    change(key, old)
    return follows
  end
  if old.entry and old.lane == new.lane then  -- keeps its place
    new.entry = old.entry
    change(key, new)
    return replaced
  end
  if old.entry then
    redis.call('XDEL', lane.stream, old.entry)
  else
    redis.call('ZREM', lane.delayed, key)
  end
  add(key, new)
  return replaced
end

local answers = {}
for i = 3, #ARGV, 4 do
  local new = {lane = ARGV[1], stamp = ARGV[i + 1], location = ARGV[i + 2],
               metadata = ARGV[i + 3], attempts = 0}
  answers[#answers + 1] = enqueue(ARGV[i], new)
end
if #changes > 0 then redis.call('HSET', documents, unpack(changes)) end
return answers
)lua";

// Answers to a claim: the claimed documents, each with its entry, its attempts and whether this is
// another one.
constexpr const char* claim_common = R"lua(
local lane, me = lanes[ARGV[1]], ARGV[2]
local claimed = {}

local function hand_out(key, record)
  local again = (record.attempts > 0 or record.retried) and 1 or 0
  claimed[#claimed + 1] = describe(key, record, record.entry, record.attempts, again)
end
)lua";

// ARGV: lane, consumer, how many documents at most.
constexpr const char* claim = R"lua(
local most = tonumber(ARGV[3])
for _, key in ipairs(redis.call('ZRANGEBYSCORE', lane.delayed, '-inf', now_ms(),
                                'LIMIT', 0, most)) do
  redis.call('ZREM', lane.delayed, key)
  append(key, find(documents, key))
end

local read = {'XREADGROUP', 'GROUP', group, me, 'COUNT', most, 'STREAMS', lane.stream, '>'}
local answer = redis.pcall(unpack(read))
if answer and answer.err then
  redis.call('XGROUP', 'CREATE', lane.stream, group, '0', 'MKSTREAM')
  answer = redis.call(unpack(read))
end
local keys = {}
for i, entry in ipairs(answer and answer[1][2] or {}) do keys[i] = entry[2][2] end
for i, record in ipairs(find_all(keys)) do hand_out(keys[i], record) end
return claimed
)lua";

// ARGV: lane, consumer, after how many ms without a sign of its worker a lease has ended. Answers
// whether any has, and forgets consumers that have none and gave no sign for as long.
constexpr const char* look_for_ended = R"lua(
local lane, me, ended_ms = lanes[ARGV[1]], ARGV[2], tonumber(ARGV[3])
local consumers = redis.pcall('XINFO', 'CONSUMERS', lane.stream, group)
for _, consumer in ipairs(consumers.err and {} or consumers) do
  local name, owned, idle = consumer[2], consumer[4], consumer[6]
  if name ~= me and owned == 0 and idle > ended_ms then
    redis.call('XGROUP', 'DELCONSUMER', lane.stream, group, name)
  end
end
return #pending(lane.stream, 'IDLE', ended_ms, '-', '+', 1)
)lua";

// ARGV: as above, then attempts at most and why a document is dead whose workers died. Claims one
// document whose lease has ended, if there is one, and what this consumer holds without a sign.
constexpr const char* take_over = R"lua(
-- Whether another's document was claimed.
local function take(entry, consumer)
  local found = redis.call('XCLAIM', lane.stream, group, me, 0, entry)[1]
  if not found then return false end
  local key = found[2][2]
  local record = find(documents, key)
  if consumer == me then  -- an answer that never arrived: nobody died
    hand_out(key, record)
    return false
  end
  if record.next then
    remove_entries(lane.stream, {entry})
    append(key, record.next)
    return false
  end
  record.attempts = record.attempts + 1
  if record.attempts >= tonumber(ARGV[4]) then
    remove_entries(lane.stream, {entry})
    bury(key, record, 'crashed', ARGV[5])
    return false
  end
  keep(documents, key, record)
  hand_out(key, record)
  return true
end

for _, lease in ipairs(pending(lane.stream, 'IDLE', ARGV[3], '-', '+', 100)) do
  if take(lease[1], lease[2]) then break end
end
return claimed
)lua";

// ARGV: consumer, then of each document: key, lane, entry, verdict (done, back, again, dead), pause
// in ms, outcome, reason. Passes over what the consumer has no lease on any more.
constexpr const char* settle = R"lua(
local leases, ended, keys, verdicts, done = {}, {}, {}, {}, {}
for i = 2, #ARGV, 7 do
  local lane, entry = ARGV[i + 1], ARGV[i + 2]
  leases[lane] = leases[lane] or leases_of(lanes[lane].stream, ARGV[1])
  ended[lane] = ended[lane] or {}
  if leases[lane][entry] then
    leases[lane][entry] = nil
    table.insert(ended[lane], entry)
    table.insert(keys, ARGV[i])
    table.insert(verdicts, {unpack(ARGV, i + 3, i + 6)})
  end
end

local function settle(key, record, verdict, pause_ms, outcome, reason)
  if record.next then return append(key, record.next) end
  if verdict == 'done' then return table.insert(done, key) end
  if verdict == 'back' then return append(key, record) end
  record.attempts = record.attempts + 1
  if verdict == 'again' then return delay(key, record, tonumber(pause_ms)) end
  bury(key, record, outcome, reason)
end

for lane, entries in pairs(ended) do
  if #entries > 0 then remove_entries(lanes[lane].stream, entries) end
end
for i, record in ipairs(find_all(keys)) do settle(keys[i], record, unpack(verdicts[i])) end
if #done > 0 then redis.call('HDEL', documents, unpack(done)) end
)lua";

// ARGV: consumer, lane, then entries. Answers 1 for each, or 0 if the consumer has no lease on it
// any more.
constexpr const char* renew = R"lua(
local stream = lanes[ARGV[2]].stream
local leases = leases_of(stream, ARGV[1])
local renewed = {}
for i = 3, #ARGV do
  renewed[i - 2] = leases[ARGV[i]] and 1 or 0
  if leases[ARGV[i]] then
    redis.call('XCLAIM', stream, group, ARGV[1], 0, ARGV[i], 'JUSTID')
  end
end
return renewed
)lua";

// Answers how many dead letters there are, then for the lanes interactive and bulk: how many
// documents wait, are leased, are delayed, and how old the oldest that waits is, in ms. Not by the
// group's `lag`, which Redis does not know any more once an entry was deleted unread.
constexpr const char* state = R"lua(
local answer = {redis.call('HLEN', dead)}
for _, name in ipairs({'interactive', 'bulk'}) do
  local stream = lanes[name].stream
  local leased, last = pending(stream)[1] or 0, nil
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, each in ipairs(groups.err and {} or groups) do
    for i = 1, #each, 2 do
      if each[i] == 'last-delivered-id' then last = each[i + 1] end
    end
  end
  local first = redis.call('XRANGE', stream, last and '(' .. last or '-', '+', 'COUNT', 1)[1]
  local age = first and math.max(now_ms() - tonumber(string.match(first[1], '^%d+')), 0) or 0
  answer[#answer + 1] = redis.call('XLEN', stream) - leased
  answer[#answer + 1] = leased
  answer[#answer + 1] = redis.call('ZCARD', lanes[name].delayed)
  answer[#answer + 1] = age
end
return answer
)lua";

// ARGV: keys. Answers nil for each that is not in the queue, and the others with lane, attempts,
// state, whether another content follows (1 or 0), and of a dead letter outcome and reason.
constexpr const char* find_documents = R"lua(
local function state_of(record)
  if not record.entry then return delayed end
  return is_leased(lanes[record.lane].stream, record.entry) and leased or waiting
end

local queued = redis.call('HMGET', documents, unpack(ARGV))
local letters = redis.call('HMGET', dead, unpack(ARGV))
local answers = {}
for i, key in ipairs(ARGV) do
  local record = queued[i] or letters[i]
  record = record and cmsgpack.unpack(record)
  answers[i] = record and describe_state(key, record, queued[i] and state_of(record) or buried)
end
return answers
)lua";

// ARGV: a cursor of HSCAN. Answers the next cursor, then some dead letters, as above.
constexpr const char* dead = R"lua(
local scanned = redis.call('HSCAN', dead, ARGV[1], 'COUNT', 100)
local answer = {scanned[1]}
for i = 1, #scanned[2], 2 do
  local record = cmsgpack.unpack(scanned[2][i + 1])
  answer[#answer + 1] = describe_state(scanned[2][i], record, buried)
end
return answer
)lua";

// ARGV: keys. Answers how many of them were dead letters; those wait again.
constexpr const char* retry = R"lua(
local count = 0
for _, key in ipairs(ARGV) do
  local record = find(dead, key)
  if record then
    redis.call('HDEL', dead, key)
    record.attempts, record.retried, record.outcome, record.reason = 0, true, nil, nil
    append(key, record)
    count = count + 1
  end
end
return count
)lua";

constexpr const char* workers_common = R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = {}
local packed = redis.call('HGETALL', KEYS[1])
for i = 1, #packed, 2 do
  local report = cmsgpack.unpack(packed[i + 1])
  if report.until_ms > now then
    all[#all + 1] = report.text
  else
    redis.call('HDEL', KEYS[1], packed[i])
  end
end
)lua";

// ARGV: for how many ms the report holds, the worker's name, the report.
constexpr const char* report = R"lua(
redis.call('HSET', KEYS[1], ARGV[2],
           cmsgpack.pack({until_ms = now + tonumber(ARGV[1]), text = ARGV[3]}))
)lua";

// Answers each report that holds.
constexpr const char* workers = R"lua(
return all
)lua";

RedisScript of_shard(const char* body) {
  return RedisScript(std::string(common) + body);
}

RedisScript of_claims(const char* body) {
  return RedisScript(std::string(common) + claim_common + body);
}

RedisScript of_workers(const char* body) {
  return RedisScript(std::string(workers_common) + body);
}

}  // namespace

const BrokerScripts& broker_scripts() {
  static const BrokerScripts scripts = {
      .enqueue = of_shard(enqueue),
      .claim = of_claims(claim),
      .look_for_ended = of_shard(look_for_ended),
      .take_over = of_claims(take_over),
      .settle = of_shard(settle),
      .renew = of_shard(renew),
      .state = of_shard(state),
      .find = of_shard(find_documents),
      .dead = of_shard(dead),
      .retry = of_shard(retry),
      .report = of_workers(report),
      .workers = of_workers(workers),
  };
  return scripts;
}

}  // namespace penstock
