// The client, against a real server and a real cluster.
#include <algorithm>
#include <span>

#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_url.h"
#include "engine/backends/redis/slot_map.h"
#include "test/support/catch.h"
#include "test/support/private_redis.h"
#include "test/support/test_redis.h"

namespace penstock {
namespace {

using Kind = RedisReply::Kind;

constexpr const char* server = "PENSTOCK_TEST_REDIS";
constexpr const char* cluster = "PENSTOCK_TEST_REDIS_CLUSTER";

RedisReply must(Result<RedisReply> reply) {
  if (!reply) FAIL(reply.error().message);
  return std::move(*reply);
}

std::string fatal_message(Redis& redis) {
  try {
    redis.require_sound();
  } catch (const FatalError& error) {
    return error.what();
  }
  return "none";
}

// A node of the cluster, spoken to without a map.
class Node {
 public:
  explicit Node(const RedisAddress& address) : redis_("redis://" + address.text()) {}
  RedisReply run(const RedisCommand& command) { return must(redis_.run("", command)); }

 private:
  Redis redis_;
};

// Who serves a key, and another master.
struct Owners {
  RedisAddress owner;
  RedisAddress other;
};

SlotMap slots_of(const std::string& url) {
  const RedisAddress first = parse_redis_url(url).nodes.front();
  SlotMap map;
  REQUIRE(map.read(Node(first).run({"CLUSTER", "SLOTS"}), first));
  return map;
}

Owners owners_of(const std::string& url, const std::string& key) {
  const SlotMap map = slots_of(url);
  const RedisAddress owner = *map.owner_of(redis_slot_of(key));
  const std::vector<RedisAddress> masters = map.masters();
  const auto other = std::ranges::find_if(masters, [&](const auto& each) { return each != owner; });
  REQUIRE(other != masters.end());
  return {owner, *other};
}

// Moves a slot by hand from one master to another, key by key. A test ends what it began.
class Migration {
 public:
  Migration(const std::string& url, const std::string& key)
      : slot_(std::to_string(redis_slot_of(key))),
        owners_(owners_of(url, key)),
        from_(owners_.owner),
        to_(owners_.other),
        from_id_(from_.run({"CLUSTER", "MYID"}).text),
        to_id_(to_.run({"CLUSTER", "MYID"}).text) {}

  void begin() {
    to_.run({"CLUSTER", "SETSLOT", slot_, "IMPORTING", from_id_});
    from_.run({"CLUSTER", "SETSLOT", slot_, "MIGRATING", to_id_});
  }
  void move(const std::string& key) {
    from_.run(
        {"MIGRATE", owners_.other.host, std::to_string(owners_.other.port), key, "0", "5000"});
  }
  void end() {
    to_.run({"CLUSTER", "SETSLOT", slot_, "NODE", to_id_});
    from_.run({"CLUSTER", "SETSLOT", slot_, "NODE", to_id_});
  }

 private:
  const std::string slot_;
  const Owners owners_;
  Node from_;
  Node to_;
  const std::string from_id_;
  const std::string to_id_;
};

TEST_CASE("redis: every kind of reply comes as it is") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Redis redis(*url);
  redis.require_sound();
  const std::string key = unique_name();
  CHECK(must(redis.run(key, {"SET", key, std::string("a\0b\r\n", 5)})).text == "OK");
  const RedisReply value = must(redis.run(key, {"GET", key}));
  CHECK(value.kind == Kind::text);
  CHECK(value.text == std::string("a\0b\r\n", 5));
  const RedisReply length = must(redis.run(key, {"STRLEN", key}));
  CHECK(length.kind == Kind::integer);
  CHECK(length.integer == 5);
  CHECK(must(redis.run(key, {"GET", key + "-absent"})).kind == Kind::nil);
  const RedisReply many = must(redis.run(key, {"MGET", key, key + "-absent"}));
  REQUIRE(many.kind == Kind::array);
  REQUIRE(many.elements.size() == 2);
  CHECK(many.elements[0].text == value.text);
  CHECK(many.elements[1].kind == Kind::nil);
  CHECK(must(redis.run(key, {"SET", key, ""})).text == "OK");
  CHECK(must(redis.run(key, {"GET", key})).kind == Kind::text);
}

TEST_CASE("redis: an error that the server replies is permanent and names the server") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Redis redis(*url);
  const std::string key = unique_name();
  must(redis.run(key, {"SET", key, "text"}));
  const Result<RedisReply> reply = redis.run(key, {"INCR", key});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::permanent);
  CHECK(reply.error().message == redis.name() + ": ERR value is not an integer or out of range");
}

TEST_CASE("redis: a server that nobody runs is a retryable error") {
  redis_for_tests("PATH");
  Redis redis("redis://127.0.0.1:1");
  const Result<RedisReply> reply = redis.run("k", {"PING"});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::retryable);
  CHECK(reply.error().message ==
        "redis://127.0.0.1:1: 127.0.0.1:1: cannot be reached: Connection refused");
  CHECK(fatal_message(redis) == reply.error().message);
  Redis nodes("redis+cluster://127.0.0.1:1,127.0.0.1:2");
  const Result<RedisReply> from_cluster = nodes.run("k", {"PING"});
  REQUIRE_FALSE(from_cluster);
  CHECK(from_cluster.error().kind == ErrorKind::retryable);
}

TEST_CASE("redis: a server that does not answer is given up at the command's time limit") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  RedisOptions options;
  options.command_timeout = std::chrono::milliseconds(30);
  Redis redis(*url, options);
  const std::string key = unique_name();
  const Result<RedisReply> reply = redis.run(key, {"BLPOP", key, "1"});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::retryable);
  CHECK_THAT(reply.error().message, ContainsSubstring("no answer for 30 ms"));
  // What comes too late is nobody else's answer.
  CHECK(must(redis.run(key, {"PING"})).text == "PONG");
}

TEST_CASE("redis: a connection that the server closed is opened again") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Redis redis(*url);
  Redis other(*url);
  const std::int64_t id = must(redis.run("", {"CLIENT", "ID"})).integer;
  must(other.run("", {"CLIENT", "KILL", "ID", std::to_string(id)}));
  CHECK(must(redis.run("", {"CLIENT", "ID"})).integer != id);
}

TEST_CASE("redis: a script runs once a call and answers each for itself") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Redis redis(*url);
  const RedisScript script(
      "if ARGV[1] == 'bad' then return redis.error_reply('ERR bad') end "
      "return {KEYS[1], ARGV[1], " +
      std::to_string(__LINE__) + "}");
  const std::string key = unique_name();
  const RedisScriptCall calls[] = {{{key}, {"1"}}, {{key}, {"bad"}}, {{key}, {"3"}}};
  const auto answers = redis.run_script(script, calls);
  REQUIRE(answers.size() == 3);
  CHECK(must(answers[0]).elements.at(1).text == "1");
  REQUIRE_FALSE(answers[1]);
  CHECK(answers[1].error().kind == ErrorKind::permanent);
  CHECK(must(answers[2]).elements.at(1).text == "3");
  CHECK(must(answers[2]).elements.at(0).text == key);
}

TEST_CASE("redis: a script that the server forgot is sent again") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Redis redis(*url);
  const std::string key = unique_name();
  const RedisScript script("return redis.call('INCR', KEYS[1])");
  const std::vector<RedisScriptCall> calls(3, RedisScriptCall{{key}, {}});
  for (int round = 0; round < 2; ++round) {
    must(redis.run(key, {"SCRIPT", "FLUSH"}));
    for (const Result<RedisReply>& answer : redis.run_script(script, calls)) must(answer);
  }
  CHECK(must(redis.run(key, {"GET", key})).text == "6");
}

TEST_CASE("redis: a server without replicas needs none") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Redis redis(*url);
  const std::string key = unique_name();
  CHECK_FALSE(redis.wait_for_replica(key));  // nothing was written
  must(redis.run(key, {"SET", key, "1"}));
  CHECK(redis.wait_for_replica(key));
}

TEST_CASE("redis: databases are apart") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  RedisAddress address = parse_redis_url(*url).nodes.front();
  Redis first(*url);
  Redis second("redis://" + address.text() + "/1");
  const std::string key = unique_name();
  must(first.run(key, {"SET", key, "1"}));
  CHECK(must(second.run(key, {"GET", key})).kind == Kind::nil);
  CHECK(second.name() == "redis://" + address.text() + "/1");
}

TEST_CASE("redis: a user enters with the password of the URL and no other") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  const std::string address = parse_redis_url(*url).nodes.front().text();
  Redis admin(*url);
  const std::string user = unique_name();
  must(admin.run("", {"ACL", "SETUSER", user, "on", ">hunt@r2", "~*", "+@all"}));
  Redis welcome("redis://" + user + ":hunt%40r2@" + address);
  CHECK(must(welcome.run("", {"ACL", "WHOAMI"})).text == user);
  Redis stranger("redis://" + user + ":hunter3@" + address);
  const Result<RedisReply> reply = stranger.run("", {"PING"});
  must(admin.run("", {"ACL", "DELUSER", user}));
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::permanent);
  CHECK_THAT(reply.error().message, ContainsSubstring("refuses the user or the password"));
  CHECK(reply.error().message.find("hunt") == std::string::npos);
}

TEST_CASE("redis: a server that would forget work is not sound") {
  if (!redis_for_tests(server)) return;
  // Other tests want the shared one sound.
  const PrivateRedis own;
  Redis redis(own.url());
  must(redis.run("", {"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"}));
  const std::string message = fatal_message(redis);
  must(redis.run("", {"CONFIG", "SET", "maxmemory-policy", "noeviction"}));
  CHECK_THAT(message, Catch::Matchers::EndsWith(
                          ": would forget work when its memory is full; set maxmemory-policy "
                          "noeviction (it is allkeys-lru)"));
  CHECK(fatal_message(redis) == "none");
}

TEST_CASE("redis: a node of a cluster is not a server and a server is no cluster") {
  const auto one = redis_for_tests(server);
  const auto many = redis_for_tests(cluster);
  if (!one || !many) return;
  Redis node("redis://" + parse_redis_url(*many).nodes.front().text());
  CHECK_THAT(fatal_message(node), ContainsSubstring("its URL begins with redis+cluster://"));
  Redis single("redis+cluster://" + parse_redis_url(*one).nodes.front().text());
  CHECK_THAT(fatal_message(single), ContainsSubstring("is not a node of a cluster"));
}

TEST_CASE("redis: a cluster is entered by any node and each key found") {
  const auto url = redis_for_tests(cluster);
  if (!url) return;
  for (const RedisAddress& node : parse_redis_url(*url).nodes) {
    Redis redis("redis+cluster://" + node.text());
    redis.require_sound();
    for (const char* tag : {"a", "b", "c", "d", "e"}) {
      const std::string key = unique_name() + "{" + tag + "}";
      must(redis.run(key, {"SET", key, tag}));
      CHECK(must(redis.run(key, {"GET", key})).text == tag);
      CHECK(redis.wait_for_replica(key));
    }
  }
}

TEST_CASE("redis: scripts for several nodes go out together and answer in order") {
  const auto url = redis_for_tests(cluster);
  if (!url) return;
  Redis redis(*url);
  const RedisScript script("redis.call('SET', KEYS[1], ARGV[1]) return ARGV[1]");
  std::vector<RedisScriptCall> calls;
  for (int i = 0; i < 60; ++i) calls.push_back({{unique_name()}, {std::to_string(i)}});
  const auto answers = redis.run_script(script, calls);
  REQUIRE(answers.size() == calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CHECK(must(answers[i]).text == calls[i].arguments.front());
    CHECK(redis.wait_for_replica(calls[i].keys.front()));
  }
}

TEST_CASE("redis: a key that moved is found where it went") {
  const auto url = redis_for_tests(cluster);
  if (!url) return;
  const std::string key = unique_name();
  Redis redis(*url);
  must(redis.run(key, {"SET", key, "1"}));
  Migration migration(*url, key);
  migration.begin();
  migration.move(key);
  migration.end();
  CHECK(must(redis.run(key, {"INCR", key})).integer == 2);
  CHECK(must(redis.run(key, {"INCR", key})).integer == 3);
}

TEST_CASE("redis: while a slot moves each key is found on its side") {
  const auto url = redis_for_tests(cluster);
  if (!url) return;
  const std::string tag = unique_name();
  const std::string stays = "{" + tag + "}stays";
  const std::string moves = "{" + tag + "}moves";
  Redis redis(*url);
  must(redis.run(stays, {"SET", stays, "1"}));
  must(redis.run(moves, {"SET", moves, "10"}));
  Migration migration(*url, tag);
  migration.begin();
  migration.move(moves);
  const RedisScript script("return redis.call('INCR', KEYS[1])");
  const RedisScriptCall calls[] = {{{stays}, {}}, {{moves}, {}}, {{stays}, {}}, {{moves}, {}}};
  const auto answers = redis.run_script(script, calls);
  CHECK(must(answers[0]).integer == 2);
  CHECK(must(answers[1]).integer == 11);
  CHECK(must(answers[2]).integer == 3);
  CHECK(must(answers[3]).integer == 12);
  CHECK(redis.wait_for_replica(moves));
  migration.move(stays);
  migration.end();
}

TEST_CASE("redis: keys on both sides of a move are an error that passes") {
  const auto url = redis_for_tests(cluster);
  if (!url) return;
  const std::string tag = unique_name();
  const std::string stays = "{" + tag + "}stays";
  const std::string moves = "{" + tag + "}moves";
  RedisOptions options;
  options.command_timeout = std::chrono::milliseconds(200);
  Redis redis(*url, options);
  must(redis.run(stays, {"SET", stays, "1"}));
  must(redis.run(moves, {"SET", moves, "2"}));
  Migration migration(*url, tag);
  migration.begin();
  migration.move(moves);
  const Result<RedisReply> meanwhile = redis.run(stays, {"MGET", stays, moves});
  REQUIRE_FALSE(meanwhile);
  CHECK(meanwhile.error().kind == ErrorKind::retryable);
  migration.move(stays);
  migration.end();
  CHECK(must(redis.run(stays, {"MGET", stays, moves})).elements.at(1).text == "2");
}

}  // namespace
}  // namespace penstock
