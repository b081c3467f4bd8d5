#include "engine/backends/redis/redis_url.h"

#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/slot_map.h"
#include "engine/core/error.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

std::string refusal(const std::string& url) {
  try {
    parse_redis_url(url);
  } catch (const FatalError& error) {
    return error.what();
  }
  return "none";
}

RedisReply number(std::int64_t value) {
  RedisReply reply;
  reply.kind = RedisReply::Kind::integer;
  reply.integer = value;
  return reply;
}

RedisReply text(const std::string& value) {
  RedisReply reply;
  reply.kind = RedisReply::Kind::text;
  reply.text = value;
  return reply;
}

RedisReply array(std::vector<RedisReply> elements) {
  RedisReply reply;
  reply.kind = RedisReply::Kind::array;
  reply.elements = std::move(elements);
  return reply;
}

TEST_CASE("redis url: a server has a host and perhaps a port and a database") {
  const RedisUrl plain = parse_redis_url("redis://cache");
  CHECK(plain.nodes == std::vector<RedisAddress>{{"cache", 6379}});
  CHECK(plain.password.empty());
  CHECK(plain.database == 0);
  CHECK_FALSE(plain.tls);
  CHECK_FALSE(plain.cluster);
  const RedisUrl whole = parse_redis_url("rediss://10.0.0.7:7000/3");
  CHECK(whole.nodes == std::vector<RedisAddress>{{"10.0.0.7", 7000}});
  CHECK(whole.database == 3);
  CHECK(whole.tls);
  CHECK(parse_redis_url("redis://cache/").database == 0);
  CHECK(parse_redis_url("redis://[::1]:7000").nodes.front().text() == "[::1]:7000");
  CHECK(parse_redis_url("redis://[::1]").nodes.front().port == 6379);
}

TEST_CASE("redis url: a cluster is any of its nodes") {
  const RedisUrl cluster = parse_redis_url("redis+cluster://a:7000,b:7001,c");
  CHECK(cluster.cluster);
  CHECK(cluster.nodes == std::vector<RedisAddress>{{"a", 7000}, {"b", 7001}, {"c", 6379}});
}

TEST_CASE("redis url: user and password are decoded and stay out of the name") {
  const RedisUrl both = parse_redis_url("redis://penstock:p%40ss%2Fw%3ard@cache:7000/1");
  CHECK(both.user == "penstock");
  CHECK(both.password == "p@ss/w:rd");
  CHECK(both.name == "redis://cache:7000/1");
  const RedisUrl password = parse_redis_url("redis+cluster://:a/b,c@d@h:1,i:2");
  CHECK(password.user.empty());
  CHECK(password.password == "a/b,c@d");
  CHECK(password.name == "redis+cluster://h:1,i:2");
}

TEST_CASE("redis url: what is none is refused without its password") {
  for (const char* bad : {"",
                          "cache:6379",
                          "http://cache",
                          "redis://",
                          "redis://:1",
                          "redis://h:",
                          "redis://h:x",
                          "redis://h:0",
                          "redis://h:65536",
                          "redis://h/x",
                          "redis://h/-1",
                          "redis://h/1/2",
                          "redis://a,b",
                          "redis+cluster://a,",
                          "redis+cluster://a/1",
                          "redis://[::1",
                          "redis://[::1]7",
                          "redis://h h",
                          "redis://:hunter2@",
                          "redis://:hunter2@h:x",
                          "redis://hunter2@h"}) {
    INFO(bad);
    const std::string message = refusal(bad);
    CHECK_THAT(message, Catch::Matchers::StartsWith("not the URL of a Redis: "));
    CHECK(message.find("hunter2") == std::string::npos);
  }
  CHECK(refusal("redis://:hunter%2@h") ==
        "the user or the password of a Redis URL holds a % that is no %XX: write it as %25");
  CHECK(refusal("redis://hunter2@h") ==
        "not the URL of a Redis: it has a user without a password, or a password without the : "
        "before it; it is one such as redis://:PASSWORD@HOST:6379/0, rediss://HOST or "
        "redis+cluster://HOST:PORT,HOST:PORT");
}

TEST_CASE("redis slots: a key hashes as the cluster hashes it") {
  CHECK(redis_slot_of("123456789") == 12'739);  // the specification's example, 0x31C3
  CHECK(redis_slot_of("foo") == 12'182);
  CHECK(redis_slot_of("") == 0);
}

TEST_CASE("redis slots: a hash tag decides alone") {
  CHECK(redis_slot_of("a{foo}b") == redis_slot_of("foo"));
  CHECK(redis_slot_of("{foo}{bar}") == redis_slot_of("foo"));
  CHECK(redis_slot_of("a{}{foo}") != redis_slot_of("foo"));  // an empty tag is none
  CHECK(redis_slot_of("a{foo") != redis_slot_of("foo"));
  CHECK(redis_slot_of("{{foo}") == redis_slot_of("{foo"));
}

TEST_CASE("redis slots: a map names the master of each slot and every node") {
  SlotMap map;
  CHECK(map.owner_of(0) == nullptr);
  const RedisReply slots =
      array({array({number(0), number(99), array({text("a"), number(1), text("id")}),
                    array({text("b"), number(2), text("id")})}),
             array({number(100), number(16'383), array({text(""), number(3), text("id")})})});
  REQUIRE(map.read(slots, {"asked", 9}));
  CHECK(*map.owner_of(0) == RedisAddress{"a", 1});
  CHECK(*map.owner_of(99) == RedisAddress{"a", 1});
  CHECK(*map.owner_of(16'383) == RedisAddress{"asked", 3});
  CHECK(map.nodes() == std::vector<RedisAddress>{{"a", 1}, {"b", 2}, {"asked", 3}});
  CHECK(map.masters() == std::vector<RedisAddress>{{"a", 1}, {"asked", 3}});
  map.set(7, {"c", 4});
  CHECK(*map.owner_of(7) == RedisAddress{"c", 4});
  CHECK(*map.owner_of(8) == RedisAddress{"a", 1});
}

TEST_CASE("redis slots: nonsense leaves the map as it is") {
  SlotMap map;
  map.set(5, {"a", 1});
  const RedisReply node = array({text("b"), number(2)});
  CHECK_FALSE(map.read(text("ERR"), {}));
  CHECK_FALSE(map.read(array({array({number(0), number(1)})}), {}));
  CHECK_FALSE(map.read(array({array({number(0), number(16'384), node})}), {}));
  CHECK_FALSE(map.read(array({array({number(9), number(3), node})}), {}));
  CHECK_FALSE(map.read(array({array({number(-1), number(3), node})}), {}));
  CHECK(*map.owner_of(5) == RedisAddress{"a", 1});
}

TEST_CASE("redis url: a script is known by its SHA-1") {
  CHECK(RedisScript("return 1").sha1() == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

TEST_CASE("redis url: an address of a redirection may lack its host") {
  RedisAddress address;
  REQUIRE(parse_redis_address("127.0.0.1:6381", address));
  CHECK(address == RedisAddress{"127.0.0.1", 6381});
  REQUIRE(parse_redis_address(":6381", address));
  CHECK(address.host.empty());
  REQUIRE(parse_redis_address("::1:6381", address));
  CHECK(address == RedisAddress{"::1", 6381});
  CHECK_FALSE(parse_redis_address("127.0.0.1", address));
  CHECK_FALSE(parse_redis_address("h:x", address));
}

}  // namespace
}  // namespace penstock
