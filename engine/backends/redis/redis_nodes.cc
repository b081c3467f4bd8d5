#include "engine/backends/redis/redis_nodes.h"

#include <algorithm>
#include <charconv>
#include <thread>
#include <utility>

#include "engine/core/clock.h"

namespace penstock {
namespace {

// A slot's move ends, a server's start goes on: both within milliseconds to seconds.
constexpr std::chrono::milliseconds pause(20);
// More would be a cluster whose nodes contradict each other.
constexpr int redirections_max = 16;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

// The server's first word, e.g. "MOVED".
std::string_view code_of(std::string_view error) {
  return error.substr(0, error.find(' '));
}

template <std::size_t Count>
bool is_one_of(std::string_view code, const std::array<std::string_view, Count>& codes) {
  return std::ranges::find(codes, code) != codes.end();
}

bool passes_soon(std::string_view code) {
  return is_one_of(code, std::to_array<std::string_view>({"TRYAGAIN", "LOADING", "MASTERDOWN"}));
}

// Somebody else may serve it later.
bool is_about_the_node(std::string_view code) {
  return is_one_of(code, std::to_array<std::string_view>(
                             {"CLUSTERDOWN", "READONLY", "UNBLOCKED", "NOREPLICAS"}));
}

bool passes_some_day(std::string_view code) {
  return passes_soon(code) || is_about_the_node(code) ||
         is_one_of(code, std::to_array<std::string_view>(
                             {"OOM", "BUSY", "MISCONF", "NOSCRIPT", "MOVED", "ASK"}));
}

// The value of a line "name:value" of INFO.
std::string_view info_value(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const std::size_t end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
      return line.substr(name.size() + 1);
    at = end + 2;
  }
  return {};
}

// Of "7.0.15", 700.
int version_number(std::string_view version) {
  int major = 0;
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto [dot, code] = std::from_chars(version.data(), end, major);
  if (code == std::errc() && dot != end) std::from_chars(dot + 1, end, minor);
  return 100 * major + minor;
}

constexpr int oldest_version = 602;

}  // namespace

Redis::Nodes::Nodes(RedisUrl url, RedisOptions options) : url_(std::move(url)), options_(options) {}

std::vector<Result<RedisReply>> Redis::Nodes::run(std::span<const Request> requests) {
  std::vector<Journey> journeys(requests.size());
  const TimePoint deadline = now() + options_.command_timeout;
  for (int round = 0;; ++round) {
    const bool pause_is_due = run_once(requests, journeys);
    if (std::ranges::all_of(journeys, [](const Journey& each) { return each.answer.has_value(); }))
      break;
    if (now() >= deadline || (round >= redirections_max && !pause_is_due)) {
      for (Journey& journey : journeys)
        if (!journey.answer)
          journey.answer = retryable_error(url_.name +
                                           ": the nodes send each other's requests "
                                           "around, or do not get ready");
      map_stale_ = true;
      break;
    }
    if (pause_is_due) std::this_thread::sleep_for(pause);
  }
  std::vector<Result<RedisReply>> answers;
  answers.reserve(journeys.size());
  for (Journey& journey : journeys) answers.push_back(std::move(*journey.answer));
  return answers;
}

bool Redis::Nodes::run_once(std::span<const Request> requests, std::vector<Journey>& journeys) {
  // First where each goes, which may ask the nodes for their map, then the connections: neither may
  // come between a command and its answer.
  std::map<RedisAddress, Stop> stops;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Journey& journey = journeys[i];
    if (journey.answer) continue;
    const Result<RedisAddress> address =
        journey.ask ? Result<RedisAddress>(*journey.ask) : owner_of(requests[i].slot);
    if (address)
      stops[*address].requests.push_back(i);
    else
      journey.answer = named(address.error());
  }
  for (auto& [address, stop] : stops) {
    const Result<RedisConnection*> connection = connection_to(address);
    for (const std::size_t i : stop.requests) {
      if (connection) {
        append(**connection, requests[i], journeys[i].ask.has_value());
      } else {
        journeys[i].answer = named(connection.error());
      }
    }
    if (connection) stop.connection = *connection;
  }
  std::erase_if(stops, [](const auto& each) { return each.second.connection == nullptr; });
  // All are sent before the first is waited for, so that the nodes work at the same time.
  std::map<RedisAddress, Result<void>> sent;
  for (auto& [address, stop] : stops) sent.emplace(address, stop.connection->flush());

  bool pause_is_due = false;
  for (auto& [address, stop] : stops) {
    Result<void> alive = sent.at(address);
    for (const std::size_t i : stop.requests) {
      Journey& journey = journeys[i];
      if (alive && std::exchange(journey.ask, std::nullopt)) {
        const Result<RedisReply> asking = stop.connection->read();
        if (!asking) alive = pass_on(asking.error());
      }
      if (alive) {
        Result<RedisReply> reply = stop.connection->read();
        if (reply) {
          pause_is_due |= take(requests[i], journey, *stop.connection, std::move(*reply));
          continue;
        }
        alive = pass_on(reply.error());
      }
      journey.answer = named(alive.error());
    }
    if (!alive) drop(address);
  }
  return pause_is_due;
}

void Redis::Nodes::append(RedisConnection& connection, const Request& request, bool asking) {
  if (asking) connection.append(std::array<std::string_view, 1>{"ASKING"});
  connection.unreplicated = true;
  if (request.script == nullptr) return connection.append(request.words);
  std::vector<std::string_view> words = {"EVALSHA", request.script->sha1()};
  const auto forgetful = std::ranges::find(forgetful_, connection.address());
  if (forgetful != forgetful_.end()) {
    words = {"EVAL", request.script->text()};
    forgetful_.erase(forgetful);  // those behind this one will find it remembered
  }
  words.insert(words.end(), request.words.begin(), request.words.end());
  connection.append(words);
}

bool Redis::Nodes::take(const Request& request, Journey& journey, RedisConnection& connection,
                        RedisReply reply) {
  served_[request.slot] = &connection;
  if (reply.kind != RedisReply::Kind::error) {
    journey.answer = std::move(reply);
    return false;
  }
  const std::string_view code = code_of(reply.text);
  if (code == "MOVED" || code == "ASK") {
    redirect(request, journey, connection, reply.text);
    return false;
  }
  if (code == "NOSCRIPT" && request.script != nullptr) {
    if (std::ranges::find(forgetful_, connection.address()) == forgetful_.end())
      forgetful_.push_back(connection.address());
    return false;
  }
  if (passes_soon(code)) return true;
  // A server without a cluster became a replica: its name may lead elsewhere by now.
  if (is_about_the_node(code)) map_stale_ = true;
  const std::string message = url_.name + ": " + reply.text;
  journey.answer = passes_some_day(code) ? Result<RedisReply>(retryable_error(message))
                                         : Result<RedisReply>(permanent_error(message));
  return false;
}

// "MOVED 3999 127.0.0.1:6381"; without a host it is the host that was asked.
void Redis::Nodes::redirect(const Request& request, Journey& journey,
                            const RedisConnection& connection, const std::string& redirection) {
  RedisAddress target;
  if (!url_.cluster ||
      !parse_redis_address(std::string_view(redirection).substr(redirection.rfind(' ') + 1),
                           target)) {
    journey.answer = permanent_error(
        url_.name + ": answers as a node of a cluster does; its URL begins with redis+cluster://");
    return;
  }
  if (target.host.empty()) target.host = connection.address().host;
  if (redirection.starts_with("ASK")) {
    journey.ask = target;  // only this once: the slot is on its way
  } else {
    map_.set(request.slot, target);
    map_stale_ = true;  // other slots have moved, too, when one has
  }
}

Result<void> Redis::Nodes::wait_for_replica(std::uint16_t slot) {
  const auto served = served_.find(slot);
  const auto open = std::ranges::find_if(connections_, [&](const auto& each) {
    return served != served_.end() && each.second.get() == served->second;
  });
  if (open == connections_.end())
    return retryable_error(url_.name +
                           ": the connection that wrote is gone, nobody can tell "
                           "whether a replica knows");
  RedisConnection& connection = *open->second;
  if (!connection.unreplicated) return {};

  // A replica that is not connected cannot take over, and waiting for it would stop the fleet.
  const Result<RedisReply> role = connection.ask({"ROLE"});
  const bool has_replicas =
      role && role->elements.size() == 3 && !role->elements[2].elements.empty();
  Result<RedisReply> reached = role;
  if (has_replicas) {
    const std::string timeout_ms = std::to_string(options_.command_timeout.count() / 2);
    reached = connection.ask({"WAIT", "1", timeout_ms});
  }
  if (!reached) {
    const auto error = named(reached.error());
    drop(connection.address());
    return error;
  }
  if (reached->kind == RedisReply::Kind::error)
    return retryable_error(url_.name + ": " + reached->text);
  if (has_replicas && reached->integer < 1)
    return retryable_error(connection.address().text() + ": no replica confirmed a write in time");
  connection.unreplicated = false;
  return {};
}

Result<RedisAddress> Redis::Nodes::owner_of(std::uint16_t slot) {
  if (!url_.cluster) return url_.nodes.front();
  if (map_stale_ || map_.owner_of(slot) == nullptr)
    if (auto refreshed = refresh_map(); !refreshed) return pass_on(refreshed.error());
  const RedisAddress* const owner = map_.owner_of(slot);
  if (owner == nullptr) {
    map_stale_ = true;
    return retryable_error("no node of the cluster serves slot " + std::to_string(slot));
  }
  return *owner;
}

Result<RedisConnection*> Redis::Nodes::connection_to(const RedisAddress& address) {
  const auto found = connections_.find(address);
  if (found != connections_.end()) {
    if (!found->second->is_closed()) return found->second.get();
    drop(address);
  }
  auto opened = RedisConnection::open(url_, address, options_);
  if (!opened) {
    map_stale_ = true;
    return pass_on(opened.error());
  }
  return (connections_[address] = std::move(*opened)).get();
}

void Redis::Nodes::drop(const RedisAddress& address) {
  const auto found = connections_.find(address);
  if (found == connections_.end()) return;
  std::erase_if(served_, [&](const auto& each) { return each.second == found->second.get(); });
  connections_.erase(found);
  map_stale_ = true;
}

Result<void> Redis::Nodes::refresh_map() {
  // Those that answered before come first: a node that is dead may take its whole timeout.
  std::vector<RedisAddress> candidates;
  for (const auto& [address, connection] : connections_) candidates.push_back(address);
  for (const std::vector<RedisAddress>& more : {map_.nodes(), url_.nodes})
    for (const RedisAddress& address : more)
      if (std::ranges::find(candidates, address) == candidates.end()) candidates.push_back(address);

  Error last;
  for (const RedisAddress& address : candidates) {
    const Result<RedisConnection*> connection = connection_to(address);
    if (!connection) {
      last = connection.error();
      continue;
    }
    const Result<RedisReply> slots = (*connection)->ask({"CLUSTER", "SLOTS"});
    if (!slots) {
      last = slots.error();
      drop(address);
    } else if (map_.read(*slots, address)) {
      map_stale_ = false;
      return {};
    } else {
      last = {ErrorKind::permanent, address.text() + " is not a node of a cluster: " + slots->text};
    }
  }
  return pass_on(last);
}

tl::unexpected<Error> Redis::Nodes::named(const Error& error) const {
  return tl::unexpected<Error>(Error{error.kind, url_.name + ": " + error.message});
}

void Redis::Nodes::require_sound() {
  if (!url_.cluster) return require_sound(url_.nodes.front());
  if (const auto refreshed = refresh_map(); !refreshed)
    throw FatalError(url_.name + ": " + refreshed.error().message);
  for (std::size_t slot = 0; slot < redis_slot_count; ++slot)
    if (map_.owner_of(static_cast<std::uint16_t>(slot)) == nullptr)
      throw FatalError(url_.name + ": no node of the cluster serves slot " + std::to_string(slot) +
                       "; see redis-cli --cluster check");
  for (const RedisAddress& master : map_.masters()) require_sound(master);
}

void Redis::Nodes::require_sound(const RedisAddress& address) {
  const Result<RedisConnection*> connection = connection_to(address);
  const Result<RedisReply> info =
      connection ? (*connection)->ask({"INFO"}) : pass_on(connection.error());
  if (!info) throw FatalError(url_.name + ": " + info.error().message);
  if (info->text.starts_with("NOAUTH"))
    throw FatalError(address.text() +
                     ": wants a password; write it into the URL, redis://:PASSWORD@HOST");
  if (info->kind == RedisReply::Kind::error)
    throw FatalError(address.text() + ": cannot be asked about itself: " + info->text);
  const std::string version(info_value(info->text, "redis_version"));
  if (version_number(version) < oldest_version)
    throw FatalError(address.text() + ": is Redis " + version + "; at least 6.2 is needed");
  if (!url_.cluster && info_value(info->text, "cluster_enabled") == "1")
    throw FatalError(address.text() +
                     ": is a node of a cluster; its URL begins with redis+cluster://");
  const std::string policy(info_value(info->text, "maxmemory_policy"));
  if (policy != "noeviction")
    throw FatalError(address.text() +
                     ": would forget work when its memory is full; set "
                     "maxmemory-policy noeviction (it is " +
                     policy + ")");
}

}  // namespace penstock
