#include "engine/backends/redis/lease_script.h"

namespace penstock {

// KEYS[1] is the budget, KEYS[1 + k] the key k: what is leased of it in the last minute, summed in
// slots (fields t:SLOT and r:SLOT), the sums of all, and until when each of its waits lasts. Times
// are whole microseconds of the server's clock, which doubles hold exactly.
//
// A memory is known by its epoch. It is not trusted, and begins anew with a full minute as used,
// when another server process answers (a restart, a failover: the last writes may be lost) or the
// server's clock went back. If it was lost whole, a caller that leased lately under another tells.
const char* const lease_script = R"lua(
local cursor = 0
local function text()
  cursor = cursor + 1
  return ARGV[cursor]
end
local function number()
  return tonumber(text())
end
local function whole(value)
  return string.format('%.0f', value)
end

local terms, known_epoch, fresh_epoch, has_leased_lately = text(), text(), text(), text() == '1'
local slot_length, slot_held, burst, ask_again_max = number(), number(), number(), number()
local interactive_grace, bulk_grace, bulk_weight = number(), number(), number()
local share = number()
local window_held = slot_held + slot_length

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')

local function slot_at(at)
  return math.floor(at / slot_length)
end
local function gone_at(slot)
  return (slot + 1) * slot_length + slot_held
end

local keys = {}
for k = 1, #KEYS - 1 do
  keys[k] = {
    name = KEYS[1 + k],
    requests_configured = number(),
    tokens_configured = number(),
  }
end

-- The memory.
local remembered = redis.call('HMGET', KEYS[1], 'terms', 'epoch', 'server', 'created', 'filled', 'now')
local epoch, created, filled = remembered[2], tonumber(remembered[4]), remembered[5] == '1'
if remembered[1] and remembered[1] ~= terms then
  return {'terms', remembered[1]}
end
local called_last = tonumber(remembered[6] or 0)
local must_fill = false
if not epoch or remembered[3] ~= server or now < called_last - 1000000 then
  must_fill = epoch
  redis.call('DEL', unpack(KEYS))
  epoch, created, filled = fresh_epoch, now, false
else
  now = math.max(now, called_last)
end
local remembers_caller = known_epoch == epoch
if has_leased_lately and not remembers_caller and not filled then
  must_fill = true
end

for k, key in ipairs(keys) do
  local fields = redis.call('HMGET', key.name, 'tokens', 'requests', 'tokens_limit',
    'requests_limit', 'tokens_zero', 'requests_zero', 'paused', 'kept', 'bulk_waits',
    'bulk_waited_for', 'first', 'last')
  key.tokens = tonumber(fields[1] or 0)
  key.requests = tonumber(fields[2] or 0)
  key.tokens_limit = tonumber(fields[3] or key.tokens_configured)
  key.requests_limit = tonumber(fields[4] or key.requests_configured)
  key.tokens_zero = tonumber(fields[5] or -1)
  key.requests_zero = tonumber(fields[6] or -1)
  key.paused = tonumber(fields[7] or 0)
  key.kept = tonumber(fields[8] or 0)
  key.bulk_waits = tonumber(fields[9] or 0)
  key.bulk_waited_for = tonumber(fields[10] or 0)
  key.first = tonumber(fields[11] or slot_at(now))
  key.last = tonumber(fields[12] or key.first - 1)
end

local function fields_of(first, last)
  local fields = {}
  for slot = first, last do
    fields[#fields + 1] = 't:' .. whole(slot)
    fields[#fields + 1] = 'r:' .. whole(slot)
  end
  return fields
end

local function count(key, slot, tokens, requests)
  redis.call('HINCRBY', key.name, 't:' .. whole(slot), whole(tokens))
  redis.call('HINCRBY', key.name, 'r:' .. whole(slot), whole(requests))
  key.tokens = key.tokens + tokens
  key.requests = key.requests + requests
  key.last = math.max(key.last, slot)
end

if must_fill then
  filled = true
  for k, key in ipairs(keys) do
    if slot_at(created) >= key.first then
      count(key, slot_at(created), key.tokens_configured, key.requests_configured)
    end
  end
end

for k, key in ipairs(keys) do
  local first = math.max(key.first, slot_at(now - slot_held))
  local gone = fields_of(key.first, math.min(first - 1, key.last))
  if #gone > 0 then
    for i, amount in ipairs(redis.call('HMGET', key.name, unpack(gone))) do
      local what = i % 2 == 1 and 'tokens' or 'requests'
      key[what] = key[what] - tonumber(amount or 0)
    end
    redis.call('HDEL', key.name, unpack(gone))
  end
  key.first = first
end

local function reserved(limit)
  return math.min(math.floor(limit * share), limit - 1)
end
local function refill_time(amount, limit)
  return math.ceil(amount / (limit - reserved(limit)) * window_held)
end

-- Leases that ended otherwise than as leased.
for i = 1, number() do
  local key, slot, moved = keys[number()], number(), number()
  local leased, tokens, requests = number(), number(), number()
  if remembers_caller then
    if slot >= key.first then
      count(key, slot, -leased, -1)
      key.tokens_zero = key.tokens_zero + refill_time(tokens, key.tokens_limit)
        - refill_time(leased, key.tokens_limit)
      key.requests_zero = key.requests_zero + refill_time(requests, key.requests_limit)
        - refill_time(1, key.requests_limit)
    end
    if moved >= key.first then
      count(key, moved, tokens, requests)
    end
  end
end

-- What the provider said.
for i = 1, number() do
  local key, pause, requests_said, tokens_said = keys[number()], number(), number(), number()
  local function lower(limit, said)
    return said == 0 and limit or math.min(limit, said)
  end
  if pause > 0 then
    key.paused = math.max(key.paused, now + pause)
  end
  if requests_said + tokens_said > 0 then
    key.requests_limit = lower(key.requests_configured, requests_said)
    key.tokens_limit = lower(key.tokens_configured, tokens_said)
  end
end

-- The first moment at which the window has room, as far as ask_again_max.
local function room_at(key, what, amount, room)
  local used = key[what]
  if used == 0 or used + amount <= room then
    return now
  end
  if not key.going then
    local fields = fields_of(key.first, slot_at(now + ask_again_max - slot_held))
    key.going = #fields > 0 and redis.call('HMGET', key.name, unpack(fields)) or {}
  end
  for i = what == 'tokens' and 1 or 2, #key.going, 2 do
    local slot = key.first + math.floor((i - 1) / 2)
    if gone_at(slot) >= now + ask_again_max then
      break
    end
    if key.going[i] then
      used = used - tonumber(key.going[i])
      if used == 0 or used + amount <= room then
        return gone_at(slot)
      end
    end
  end
  return now + ask_again_max
end

local function turn(key, tokens, is_bulk)
  local at, scarce = now, 0
  local function wait_for(until_time, what)
    if until_time > at then
      at, scarce = until_time, what
    end
  end
  local whole_limit = not is_bulk
    or key.bulk_waited_for > 0 and key.bulk_waited_for >= bulk_weight * tokens
  local function wait_for_limit(what, amount, limit, zero, scarce_what)
    local room = limit
    if not whole_limit then
      wait_for(zero, scarce_what)
      room = limit - reserved(limit)
    end
    wait_for(room_at(key, what, amount, room), scarce_what)
  end
  wait_for_limit('tokens', tokens, key.tokens_limit, key.tokens_zero, 0)
  wait_for_limit('requests', 1, key.requests_limit, key.requests_zero, 1)
  if not whole_limit then
    wait_for(key.kept, 0)
  end
  wait_for(key.paused, 2)
  return at, scarce
end

local function pay(zero, amount, limit)
  return math.max(zero >= 0 and zero or now, now - burst) + refill_time(amount, limit)
end
local function lease(key, tokens, is_bulk)
  count(key, slot_at(now), tokens, 1)
  key.tokens_zero = pay(key.tokens_zero, tokens, key.tokens_limit)
  key.requests_zero = pay(key.requests_zero, 1, key.requests_limit)
  if is_bulk then
    key.bulk_waited_for = math.max(0, key.bulk_waited_for - bulk_weight * tokens)
  else
    key.bulk_waited_for = key.bulk_waits > now and key.bulk_waited_for + tokens or 0
  end
end

for k, key in ipairs(keys) do
  key.usable = number() == 1
end
local leases, denials = {}, {[0] = {-1, 0}, [1] = {-1, 0}}
for wish = 1, number() do
  local tokens, is_bulk = number(), number() == 1
  local ready, ready_load, soonest, soonest_at, soonest_scarce
  for k, key in ipairs(keys) do
    if key.usable and not key.taken and tokens <= key.tokens_limit then
      local at, scarce = turn(key, tokens, is_bulk)
      if at <= now then
        local load = math.max(key.tokens / key.tokens_limit, key.requests / key.requests_limit)
        if not ready or load < ready_load then
          ready, ready_load = k, load
        end
      elseif not soonest or at < soonest_at then
        soonest, soonest_at, soonest_scarce = k, at, scarce
      end
    end
  end
  if ready then
    lease(keys[ready], tokens, is_bulk)
    leases[#leases + 1] = wish - 1
    leases[#leases + 1] = ready - 1
  else
    local ask_at = now + ask_again_max
    if soonest then
      local key = keys[soonest]
      key.taken = true
      ask_at = math.min(ask_at, soonest_at)
      if is_bulk then
        key.bulk_waits = math.max(key.bulk_waits, ask_at + bulk_grace)
      else
        key.kept = math.max(key.kept, ask_at + interactive_grace)
      end
    end
    local denial = denials[is_bulk and 1 or 0]
    if denial[1] < 0 then
      denial[1], denial[2] = ask_at - now, soonest_scarce or 0
    end
  end
end

redis.call('HSET', KEYS[1], 'terms', terms, 'epoch', epoch, 'server', server, 'created',
  whole(created), 'filled', filled and '1' or '0', 'now', whole(now))
-- After two minutes without a call nothing counts, but a pause may last.
local forget_at = now + 2 * window_held
local uses = {}
for k, key in ipairs(keys) do
  redis.call('HSET', key.name, 'tokens', whole(key.tokens), 'requests', whole(key.requests),
    'tokens_limit', whole(key.tokens_limit), 'requests_limit', whole(key.requests_limit),
    'tokens_zero', whole(key.tokens_zero), 'requests_zero', whole(key.requests_zero),
    'paused', whole(key.paused), 'kept', whole(key.kept), 'bulk_waits', whole(key.bulk_waits),
    'bulk_waited_for', whole(key.bulk_waited_for), 'first', whole(key.first),
    'last', whole(key.last))
  forget_at = math.max(forget_at, key.paused, key.tokens_zero, key.requests_zero)
  for i, use in ipairs({key.requests_limit, key.tokens_limit, key.requests, key.tokens,
    math.max(0, key.paused - now)}) do
    uses[#uses + 1] = use
  end
end
for i, name in ipairs(KEYS) do
  redis.call('PEXPIRE', name, whole(math.ceil((forget_at - now) / 1000)))
end
return {'leased', epoch, slot_at(now), leases, denials[0], denials[1], uses}
)lua";

}  // namespace penstock
