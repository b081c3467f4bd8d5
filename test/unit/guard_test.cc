#include <chrono>
#include <set>
#include <string>
#include <variant>

#include "engine/service/admission_control.h"
#include "engine/service/alerts.h"
#include "engine/service/client_keys.h"
#include "engine/service/content.h"
#include "engine/service/documents.h"
#include "engine/service/new_id.h"
#include "engine/service/rates.h"
#include "engine/service/routes.h"
#include "engine/service/service.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

TEST_CASE("routes: a path finds its route and its id") {
  const auto found = find_route("GET", "/v1/documents/a%2Fb/content");
  REQUIRE(std::holds_alternative<RouteMatch>(found));
  CHECK(std::get<RouteMatch>(found).route->action == Action::content);
  CHECK(std::get<RouteMatch>(found).id == "a/b");
  CHECK(std::get<RouteMatch>(find_route("HEAD", "/healthz")).route->action == Action::health);
  CHECK(std::get<RouteMatch>(find_route("GET", "/v1/documents/events/events")).id == "events");
}

TEST_CASE("routes: what has none is told why") {
  CHECK(std::get<Problem>(find_route("GET", "/v1/documents/")).status == 404);
  CHECK(std::get<Problem>(find_route("GET", "/v1/documents/a/b/content")).status == 404);
  CHECK(std::get<Problem>(find_route("GET", "/v1/documents//content")).status == 404);
  CHECK(std::get<Problem>(find_route("GET", "/v1/documents/%4")).status == 400);
  const auto wrong = std::get<Problem>(find_route("PATCH", "/v1/documents/a"));
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.find("Allow") == "PUT, GET, DELETE");
}

TEST_CASE("service: only names of this machine are its own") {
  for (const char* own :
       {"localhost", "localhost:8080", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:80"}) {
    INFO(own);
    CHECK(is_this_machine(own));
  }
  for (const char* other : {"", "null", "evil.example", "127.0.0.1.evil.example",
                            "127.evil.example:80", "localhost.evil", "[::1].evil", "[::2]", "[::1",
                            "::1", "0.0.0.0:80", "10.0.0.1", "localhost@evil"}) {
    INFO(other);
    CHECK_FALSE(is_this_machine(other));
  }
}

TEST_CASE("rates: a minute has so many requests and they come back one by one") {
  Rates rates;
  TimePoint now{};
  for (int i = 0; i < 60; ++i) CHECK_FALSE(rates.take("a", 60, now).has_value());
  CHECK(rates.take("a", 60, now) == 1s);
  CHECK_FALSE(rates.take("b", 60, now).has_value());
  now += 1s;
  CHECK_FALSE(rates.take("a", 60, now).has_value());
  CHECK(rates.take("a", 60, now) == 1s);
  now += 1h;
  for (int i = 0; i < 60; ++i) CHECK_FALSE(rates.take("a", 60, now).has_value());
  CHECK(rates.take("a", 60, now).has_value());
  CHECK_FALSE(rates.take("a", 0, now).has_value());
}

TEST_CASE("admission control: a lane has its own room and counts what it admitted") {
  AdmissionControl control({.interactive_depth = 10, .bulk_depth = 3, .interactive_age = 60s});
  BrokerState queue;
  queue.interactive.waiting = 6;
  queue.interactive.delayed = 2;
  queue.bulk.waiting = 3;
  queue.bulk.oldest = 10h;
  control.see(queue, 0, 2);
  CHECK(control.admit(Lane::bulk).has_value());
  CHECK_FALSE(control.admit(Lane::interactive).has_value());
  CHECK_FALSE(control.look(Lane::interactive).has_value());
  CHECK_FALSE(control.admit(Lane::interactive).has_value());
  const auto refusal = control.admit(Lane::interactive);
  REQUIRE(refusal.has_value());
  CHECK(refusal->reason == Rejection::depth);
  CHECK(refusal->problem.status == 429);
  CHECK(refusal->problem.retry_after == 5s);
  control.see({}, 0, 2);
  CHECK_FALSE(control.admit(Lane::interactive).has_value());
}

TEST_CASE("admission control: what does not get into the queue fills it all the same") {
  AdmissionControl control({.interactive_depth = 10, .bulk_depth = 20, .interactive_age = 60s});
  control.see({}, 10, 1);
  CHECK(control.admit(Lane::interactive).has_value());
  CHECK_FALSE(control.admit(Lane::bulk).has_value());
}

TEST_CASE("admission control: interactive documents that wait too long close their lane") {
  AdmissionControl control({.interactive_depth = 10, .bulk_depth = 10, .interactive_age = 60s});
  BrokerState queue;
  queue.interactive.oldest = 61s;
  queue.bulk.oldest = 61s;
  control.see(queue, 0, 1);
  const auto refusal = control.admit(Lane::interactive);
  REQUIRE(refusal.has_value());
  CHECK(refusal->reason == Rejection::age);
  CHECK_FALSE(control.admit(Lane::bulk).has_value());
}

TEST_CASE("client keys: a file gives back what was written and knows only digests") {
  const TempDir folder;
  const std::string path = folder.path("keys");
  ClientKey key;
  key.tenant = "acme";
  key.scopes = {Scope::read, Scope::admin};
  key.requests_per_minute = 5;
  key.document_bytes = 6;
  const std::string secret = make_client_key(key);
  write_client_keys(path, {{key.id, key}});
  const ClientKeys read = read_client_keys(path);
  REQUIRE(read.size() == 1);
  const ClientKey& again = read.begin()->second;
  CHECK(again.tenant == "acme");
  CHECK(again.scopes == key.scopes);
  CHECK(again.requests_per_minute == 5);
  CHECK(again.document_bytes == 6);
  CHECK(again.digest == sha256(secret.substr(secret.rfind('_') + 1)));

  KeyRing ring(path, [](const std::string& why) { FAIL(why); });
  TimePoint now = std::chrono::steady_clock::now();
  CHECK(ring.find(secret, now)->id == key.id);
  for (const std::string& wrong : {std::string(), std::string("psk_"), secret + "0",
                                   secret.substr(0, secret.size() - 1), "x" + secret})
    CHECK_FALSE(ring.find(wrong, now).has_value());
  write_client_keys(path, {});
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + 1h);
  now += 2s;
  CHECK_FALSE(ring.find(secret, now).has_value());
}

TEST_CASE("client keys: a file that is none keeps what was in force") {
  const TempDir folder;
  const std::string path = folder.path("keys");
  ClientKey key;
  key.tenant = "t";
  const std::string secret = make_client_key(key);
  write_client_keys(path, {{key.id, key}});
  std::string complaint;
  KeyRing ring(path, [&](const std::string& why) { complaint = why; });
  folder.write("keys", R"({"keys":[{"id":"a","tenant":"../b","scopes":[],"sha256":""}]})");
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + 1h);
  CHECK(ring.find(secret, std::chrono::steady_clock::now() + 2s).has_value());
  CHECK(complaint == path + ": no file of API keys (a tenant is no name)");
}

TEST_CASE("new id: ids are of their time and differ") {
  const WallTime time(1'795'833'820'489ms);
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(new_id(time));
  CHECK(ids.size() == 1000);
  CHECK(ids.begin()->size() == 26);
  CHECK(ids.begin()->starts_with(ids.rbegin()->substr(0, 10)));
  CHECK(*ids.rbegin() < new_id(time + 1ms));
}

TEST_CASE("content: a range is read as HTTP has it") {
  const auto range = [](std::string_view header) {
    const auto found = range_of(header, 100);
    return found ? std::to_string(found->first) + "-" + std::to_string(found->last) : "none";
  };
  CHECK(range("bytes=0-0") == "0-0");
  CHECK(range("bytes=10-19") == "10-19");
  CHECK(range("bytes=90-") == "90-99");
  CHECK(range("bytes=90-1000") == "90-99");
  CHECK(range("bytes=-10") == "90-99");
  CHECK(range("bytes=-1000") == "0-99");
  for (const char* unsatisfiable : {"bytes=100-", "bytes=100-200", "bytes=-0"}) {
    const auto found = range_of(unsatisfiable, 100);
    REQUIRE(found.has_value());
    CHECK(found->first > found->last);
  }
  for (const char* passed_over :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1-2,3-4", "lines=1-2",
        "bytes=1", "bytes=99999999999999999999-", "bytes= 1-2"})
    CHECK(range(passed_over) == "none");
}

TEST_CASE("content: a link holds for what it was made for and until it ends") {
  CatalogEntry entry;
  entry.name = {"t/é", "a b"};
  entry.digest = sha256("content");
  const Secret secret("secret");
  const WallTime expires(1'000'000ms);
  const UrlTarget link(signed_link(entry, expires, secret));
  CHECK(link.path() == "/v1/documents/a%20b/content");
  const auto claim = verified_link(link, "a b", secret, expires - 1ms);
  REQUIRE(claim.has_value());
  CHECK(claim->tenant == "t/é");
  CHECK_FALSE(verified_link(link, "a b", secret, expires).has_value());
  CHECK_FALSE(verified_link(link, "a", secret, expires - 1ms).has_value());
  CHECK_FALSE(verified_link(link, "a b", Secret("other"), expires - 1ms).has_value());
  CHECK_FALSE(verified_link(UrlTarget("/"), "a b", secret, expires - 1ms).has_value());
}

TEST_CASE("content: a link holds as long as was asked for and a week at most") {
  using std::chrono::seconds;
  CHECK(std::get<seconds>(link_lifetime("")) == 1h);
  CHECK(std::get<seconds>(link_lifetime("{}")) == 1h);
  CHECK(std::get<seconds>(link_lifetime(R"({"expires_in_s": 1})")) == 1s);
  CHECK(std::get<seconds>(link_lifetime(R"({"expires_in_s": 604800})")) == link_lifetime_max);
  for (const char* none : {"x", "[]", R"({"expires_in_s": 0})", R"({"expires_in_s": -1})",
                           R"({"expires_in_s": 604801})", R"({"expires_in_s": 1.5})",
                           R"({"expires_in_s": 18446744073709551615})", R"({"expires_in_s": "1"})"})
    CHECK(std::get<Problem>(link_lifetime(none)).status == 400);
}

TEST_CASE("listing: a cursor is what a page said and nothing that no document is called") {
  const CatalogCursor cursor{WallTime(1'000ms), "a.é"};
  CHECK(text_of(cursor) == "1000.a.é");
  const auto read = cursor_from("1000.a.é");
  REQUIRE(read.has_value());
  CHECK(read->received == cursor.received);
  CHECK(read->id == cursor.id);
  CHECK(cursor_from("1000." + std::string(512, 'a')).has_value());
  CHECK_FALSE(cursor_from("1000." + std::string(513, 'a')).has_value());
  CHECK_FALSE(cursor_from(std::string_view("1000.a\0b", 8)).has_value());
  for (const char* none : {"", "x", ".", ".a", "1000", "1000.", "1000a", "1000.a\n", "1000.\xFF",
                           "99999999999999999999.a"})
    CHECK_FALSE(cursor_from(none).has_value());
}

TEST_CASE("alerts: each is on while it is so and since it was first seen") {
  Alerts alerts;
  BrokerState queue;
  queue.bulk.waiting = 1'000;
  WorkerReport worker;
  const WallTime start(1s);
  alerts.see(queue, {worker}, {}, start);
  CHECK(alerts.on().empty());
  queue.bulk.waiting = 1'001;
  alerts.see(queue, {worker}, {}, start);
  alerts.see(queue, {worker}, {}, start + 1s);
  REQUIRE(alerts.on().size() == 1);
  CHECK(alerts.on()[0].name == "queue-depth");
  CHECK(alerts.on()[0].since == start);
  queue.bulk.waiting = 1;
  queue.interactive.oldest = 11s;
  queue.dead = 1;
  alerts.see(queue, {}, {10, 1, 0, 0}, start + 2s);
  std::set<std::string_view> names;
  for (const Alert& alert : alerts.on()) names.insert(alert.name);
  CHECK(names ==
        std::set<std::string_view>{"late-start", "no-workers", "failures", "dead-letters"});
}

}  // namespace
}  // namespace penstock
