// rediss://, against a server that speaks TLS and nothing else. Where hiredis has no TLS, penstock
// says so.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_broker.h"
#include "engine/backends/redis/redis_events.h"
#include "test/support/catch.h"
#include "test/support/certificate.h"
#include "test/support/heard_events.h"
#include "test/support/private_redis.h"
#include "test/support/test_redis.h"

namespace penstock {
namespace {

std::string fatal_message(const std::string& url) {
  try {
    Redis(url).require_sound();
  } catch (const FatalError& error) {
    return error.what();
  }
  return "none";
}

#ifdef PENSTOCK_HIREDIS_TLS

constexpr const char* server = "PENSTOCK_TEST_REDIS";

bool can_be_tested() {
  return redis_for_tests(server) && Certificate::can_be_made();
}

TEST_CASE("redis tls: what is longer than a record comes whole") {
  if (!can_be_tested()) return;
  const Certificate certificate;
  const TrustedFile trusted(certificate.path());
  const PrivateRedis server_with_tls(&certificate);
  Redis redis(server_with_tls.url());
  redis.require_sound();
  const std::string value = [] {
    std::string bytes;
    for (int i = 0; i < 300'000; ++i) bytes += std::to_string(i);
    return bytes;
  }();
  REQUIRE(redis.run("k", {"SET", "k", value}).has_value());
  CHECK(redis.run("k", {"GET", "k"}).value().text == value);

  // Answers that come while requests are still on their way.
  const RedisScript echo("return {KEYS[1], ARGV[1]}");
  std::vector<RedisScriptCall> calls;
  for (int i = 0; i < 1'000; ++i)
    calls.push_back({{std::to_string(i)}, {value.substr(static_cast<std::size_t>(i), 1'000)}});
  const auto answers = redis.run_script(echo, calls);
  REQUIRE(answers.size() == calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    REQUIRE(answers[i].has_value());
    REQUIRE(answers[i]->elements.at(0).text == calls[i].keys.front());
    REQUIRE(answers[i]->elements.at(1).text == calls[i].arguments.front());
  }
}

TEST_CASE("redis tls: a broker works and survives its server") {
  if (!can_be_tested()) return;
  const Certificate certificate;
  const TrustedFile trusted(certificate.path());
  PrivateRedis server_with_tls(&certificate);
  BrokerOptions options;
  options.worker = "w";
  RedisBroker broker(server_with_tls.url(), options);
  std::vector<Claim> documents;
  for (int i = 0; i < 50; ++i) documents.push_back({std::to_string(i), std::to_string(i), {}, {}});
  REQUIRE(broker.enqueue(documents, Lane::bulk).has_value());
  server_with_tls.kill();
  server_with_tls.start();
  WorkQueue& bulk = broker.queue(Lane::bulk);
  std::set<std::string> keys;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const Claim claim = bulk.claim().value();
    keys.insert(claim.key);
    bulk.acknowledge(claim, Outcome::done, {});
  }
  CHECK(keys.size() == documents.size());
}

TEST_CASE("redis tls: events come through it") {
  if (!can_be_tested()) return;
  const Certificate certificate;
  const TrustedFile trusted(certificate.path());
  const PrivateRedis server_with_tls(&certificate);
  RedisEvents events(server_with_tls.url(), "default");
  HeardEvents heard;
  const auto subscription = events.subscribe(heard.listener());
  std::vector<std::string> keys;
  for (int i = 0; i < 5'000; ++i) {
    keys.push_back(std::string(static_cast<std::size_t>(i % 97), 'k') + std::to_string(i));
    events.publish(event_of(keys.back()));
  }
  heard.wait_for(keys.size());
  CHECK(heard.keys() == keys);
}

TEST_CASE("redis tls: a certificate that nobody trusts is refused for good") {
  if (!can_be_tested()) return;
  const Certificate certificate;
  std::optional<TrustedFile> trusted(certificate.path());
  const PrivateRedis server_with_tls(&certificate);
  trusted.reset();
  const auto answer = Redis(server_with_tls.url()).run("", {"PING"});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == ErrorKind::permanent);
  CHECK(answer.error().message ==
        server_with_tls.url() + ": " +
            server_with_tls.url().substr(std::string("rediss://").size()) +
            ": the certificate is not trusted (self-signed "
            "certificate); SSL_CERT_FILE names a file of those that are");
}

TEST_CASE("redis tls: a certificate of somebody else is refused") {
  if (!can_be_tested()) return;
  const Certificate certificate;
  const TrustedFile trusted(certificate.path());
  const PrivateRedis server_with_tls(&certificate);
  const std::string port = std::to_string(server_with_tls.port());
  CHECK(fatal_message("rediss://127.0.0.1:" + port) == "none");
  CHECK_THAT(fatal_message("rediss://127.0.0.2:" + port),
             ContainsSubstring("the certificate is not trusted (IP address mismatch)"));
}

TEST_CASE("redis tls: a server without it is named") {
  if (!can_be_tested()) return;
  const PrivateRedis plain;
  const std::string address = "127.0.0.1:" + std::to_string(plain.port());
  CHECK_THAT(fatal_message("rediss://" + address), ContainsSubstring(address + ": no TLS: "));
}

#else

TEST_CASE("redis tls: hiredis has none and penstock says so") {
  WARN("rediss:// is not tested: hiredis is older than 1.0");
  CHECK(
      fatal_message("rediss://user:secret@cache:7000") ==
      "rediss://cache:7000: this penstock was built without TLS for Redis; build it where hiredis "
      "is at least 1.0 (Debian 13), or go through a TLS tunnel such as stunnel");
}

#endif

}  // namespace
}  // namespace penstock
