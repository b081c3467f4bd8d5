#include "test/contract/ledger_contract.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

VersionId version(std::string_view content) {
  return VersionId::of(content, "test");
}

DocumentRecord done(const std::string& key, std::string_view content, std::uint32_t chunks = 3) {
  DocumentRecord record;
  record.claim = {key, "/raw/" + key, "{\"a\":1}", {100, 2'000, 3'000}};
  record.attempted = version(content);
  record.outcome = Outcome::done;
  record.fingerprint = "test";
  record.current = CurrentVersion{version(content), 2, chunks, 500};
  return record;
}

DocumentRecord failed(const std::string& key, Outcome outcome, const std::string& message) {
  DocumentRecord record;
  record.claim = {key, key, {}, {50, 0, 0}};
  record.outcome = outcome;
  record.message = message;
  return record;
}

WallTime at_ms(std::int64_t since_1970) {
  return WallTime(std::chrono::milliseconds(since_1970));
}

void intend(Ledger& ledger, const std::vector<VersionName>& intents) {
  REQUIRE(ledger.intend(intents).has_value());
}

// The keys of the records that were refused, joined.
std::string refused(Ledger& ledger, const std::vector<DocumentRecord>& records) {
  const auto keys = ledger.record(records);
  REQUIRE(keys.has_value());
  std::string joined;
  for (const std::string& key : *keys) joined += key;
  return joined;
}

// As a run does it: what becomes current was intended before.
void record(Ledger& ledger, const std::vector<DocumentRecord>& records) {
  std::vector<VersionName> intents;
  for (const DocumentRecord& each : records)
    if (each.current) intents.push_back({each.claim.key, each.current->id});
  intend(ledger, intents);
  CHECK(refused(ledger, records).empty());
  REQUIRE(ledger.clear_intents(intents).has_value());
}

DocumentRecord found(Ledger& ledger, const std::string& key) {
  const auto record = ledger.find(key);
  REQUIRE(record.has_value());
  REQUIRE(record->has_value());
  return **record;
}

}  // namespace

void run_ledger_contract(const std::function<OpenLedger()>& fresh) {
  const OpenLedger open = fresh();
  std::unique_ptr<Ledger> ledger = open();

  SECTION("an unknown document is absent, and no error") {
    const auto record = ledger->find("nobody");
    REQUIRE(record.has_value());
    CHECK_FALSE(record->has_value());
    CHECK(ledger->put_back("nobody").has_value());
  }

  SECTION("a record comes back as it was, also after reopening") {
    const std::string key = "/ordner/Größe \"x\" 漢字.pdf";
    record(*ledger, {done(key, "one")});
    ledger.reset();
    ledger = open();
    const DocumentRecord record = found(*ledger, key);
    CHECK(record.claim.key == key);
    CHECK(record.claim.location == "/raw/" + key);
    CHECK(record.claim.metadata == "{\"a\":1}");
    CHECK(record.claim.stamp.bytes == 100);
    CHECK(record.claim.stamp.modified_ns == 2'000);
    CHECK(record.claim.stamp.changed_ns == 3'000);
    CHECK(record.attempted == version("one"));
    CHECK(record.outcome == Outcome::done);
    CHECK(record.fingerprint == "test");
    REQUIRE(record.current.has_value());
    CHECK(record.current->id == version("one"));
    CHECK(record.current->pages == 2);
    CHECK(record.current->chunks == 3);
    CHECK(record.current->tokens == 500);
  }

  SECTION("the times of a document are kept with its record, also after reopening") {
    DocumentRecord all = done("all", "one");
    all.times = {at_ms(1'764'288'000'001), at_ms(1'764'288'000'002), at_ms(1'764'288'000'003),
                 at_ms(1'764'288'000'004), at_ms(1'764'288'000'005)};
    DocumentRecord some = failed("some", Outcome::corrupt, "x");
    some.times.started = at_ms(7);
    some.times.done = at_ms(8);
    record(*ledger, {all, some, done("none", "two")});
    ledger.reset();
    ledger = open();
    CHECK(found(*ledger, "all").times == all.times);
    CHECK(found(*ledger, "some").times == some.times);
    CHECK(found(*ledger, "none").times == DocumentTimes());
    record(*ledger, {done("all", "one")});
    CHECK(found(*ledger, "all").times == DocumentTimes());
  }

  SECTION("locations are bytes, not text") {
    DocumentRecord raw = done("raw", "one");
    raw.claim.location = std::string("/a\xff\xfe", 4);
    record(*ledger, {raw});
    CHECK(found(*ledger, "raw").claim.location == raw.claim.location);
  }

  SECTION("the ledger counts attempts") {
    record(*ledger, {failed("a", Outcome::crashed, "boom")});
    CHECK(found(*ledger, "a").attempts == 1);
    record(*ledger, {done("a", "one")});
    CHECK(found(*ledger, "a").attempts == 2);
  }

  SECTION("a failure without a version has none") {
    record(*ledger, {failed("a", Outcome::unreadable, "vanished")});
    const DocumentRecord record = found(*ledger, "a");
    CHECK_FALSE(record.attempted.has_value());
    CHECK_FALSE(record.current.has_value());
    CHECK(record.message == "vanished");
  }

  SECTION("intents stay until they are cleared, also after reopening") {
    const std::vector<VersionName> intents = {{"a", version("one")}, {"b", version("two")}};
    intend(*ledger, intents);
    intend(*ledger, intents);
    CHECK(refused(*ledger, {done("a", "one")}).empty());
    ledger.reset();
    ledger = open();
    CHECK(ledger->intents() == intents);
    CHECK(ledger->intents(std::vector<std::string>{"b", "c"}) ==
          std::vector<VersionName>{{"b", version("two")}});
    REQUIRE(ledger->clear_intents(std::vector<VersionName>{{"a", version("one")}}).has_value());
    CHECK(ledger->intents() == std::vector<VersionName>{{"b", version("two")}});
  }

  SECTION("a version that nobody intended does not become current") {
    CHECK(refused(*ledger, {done("a", "one")}) == "a");
    CHECK_FALSE(ledger->find("a")->has_value());
    record(*ledger, {done("a", "one")});
    CHECK(refused(*ledger, {done("a", "two"), failed("b", Outcome::corrupt, "x")}) == "a");
    CHECK(found(*ledger, "a").current->id == version("one"));
    CHECK(found(*ledger, "a").attempts == 1);
    CHECK(found(*ledger, "b").outcome == Outcome::corrupt);
  }

  SECTION("what is current does not vanish unless that was intended") {
    record(*ledger, {done("a", "one")});
    CHECK(refused(*ledger, {failed("a", Outcome::corrupt, "x")}) == "a");
    CHECK(found(*ledger, "a").current.has_value());
    intend(*ledger, {{"a", VersionId()}});
    CHECK(refused(*ledger, {failed("a", Outcome::pending, "")}).empty());
    CHECK_FALSE(found(*ledger, "a").current.has_value());
  }

  SECTION("what is current already may be recorded again without an intent") {
    record(*ledger, {done("a", "one")});
    DocumentRecord moved = done("a", "one");
    moved.claim.stamp.modified_ns = 7;
    CHECK(refused(*ledger, {moved}).empty());
    CHECK(found(*ledger, "a").claim.stamp.modified_ns == 7);
  }

  SECTION("who was so slow that another has finished replaces nothing") {
    record(*ledger, {done("a", "one")});
    record(*ledger, {done("a", "newer")});
    DocumentRecord late = done("a", "older");
    late.replaces = version("one");
    intend(*ledger, {{"a", version("older")}});
    CHECK(refused(*ledger, {late}) == "a");
    CHECK(found(*ledger, "a").current->id == version("newer"));
    late.replaces = VersionId();
    CHECK(refused(*ledger, {late}) == "a");
    late.replaces = version("newer");
    CHECK(refused(*ledger, {late}).empty());
    CHECK(found(*ledger, "a").current->id == version("older"));
    // A call that was carried out, and did not hear of it, repeats it.
    CHECK(refused(*ledger, {late}).empty());
  }

  SECTION("a first version is the first") {
    DocumentRecord first = done("a", "one");
    first.replaces = VersionId();
    intend(*ledger, {{"a", version("one")}});
    CHECK(refused(*ledger, {first}).empty());
    CHECK(found(*ledger, "a").current->id == version("one"));
  }

  SECTION("of two writers that intend the later wins, and clears for both") {
    const std::unique_ptr<Ledger> other = open();
    intend(*ledger, {{"a", version("one")}});
    intend(*other, {{"a", version("two")}});
    CHECK(refused(*ledger, {done("a", "one")}) == "a");
    CHECK_FALSE(ledger->find("a")->has_value());
    REQUIRE(ledger->clear_intents(std::vector<VersionName>{{"a", version("one")}}).has_value());
    CHECK(ledger->intents()->size() == 2);
    CHECK(refused(*other, {done("a", "two")}).empty());
    REQUIRE(other->clear_intents(std::vector<VersionName>{{"a", version("two")}}).has_value());
    CHECK(ledger->intents()->empty());
    CHECK(found(*ledger, "a").current->id == version("two"));
  }

  SECTION("a version that was superseded may be intended again") {
    intend(*ledger, {{"a", version("one")}});
    intend(*ledger, {{"a", version("two")}});
    intend(*ledger, {{"a", version("one")}});
    CHECK(refused(*ledger, {done("a", "two")}) == "a");
    CHECK(refused(*ledger, {done("a", "one")}).empty());
  }

  SECTION("of one call's intents of a document the last counts") {
    intend(*ledger, {{"a", version("two")}, {"b", version("x")}, {"a", version("one")}});
    CHECK(ledger->intents()->size() == 3);
    CHECK(refused(*ledger, {done("a", "two")}) == "a");
    CHECK(refused(*ledger, {done("a", "one"), done("b", "x")}).empty());
    intend(*ledger, {{"a", version("one")}, {"a", version("two")}});
    CHECK(refused(*ledger, {done("a", "two")}).empty());
  }

  SECTION("two writers of the same version both succeed") {
    const std::unique_ptr<Ledger> other = open();
    intend(*ledger, {{"a", version("one")}});
    intend(*other, {{"a", version("one")}});
    CHECK(refused(*ledger, {done("a", "one")}).empty());
    REQUIRE(ledger->clear_intents(std::vector<VersionName>{{"a", version("one")}}).has_value());
    CHECK(refused(*other, {done("a", "one")}).empty());
  }

  SECTION("only documents of the named outcomes are put back") {
    record(*ledger, {failed("a", Outcome::crashed, "boom"), failed("b", Outcome::encrypted, ""),
                     done("c", "one")});
    const std::vector<Outcome> outcomes = {Outcome::crashed, Outcome::timed_out};
    const auto count = ledger->put_back(outcomes);
    REQUIRE(count.has_value());
    CHECK(*count == 1);
    CHECK(found(*ledger, "a").outcome == Outcome::pending);
    CHECK(found(*ledger, "b").outcome == Outcome::encrypted);
    REQUIRE(ledger->put_back("c").has_value());
    CHECK(found(*ledger, "c").outcome == Outcome::pending);
    CHECK(found(*ledger, "c").current.has_value());
  }

  SECTION("what was put back has neither the message nor the times of the attempt before") {
    DocumentRecord timed = failed("a", Outcome::crashed, "boom");
    timed.times.started = at_ms(1);
    timed.times.done = at_ms(2);
    record(*ledger, {timed});
    SECTION("by its outcome") {
      REQUIRE(ledger->put_back(std::vector<Outcome>{Outcome::crashed}).has_value());
    }
    SECTION("by its key") {
      REQUIRE(ledger->put_back("a").has_value());
    }
    CHECK(found(*ledger, "a").outcome == Outcome::pending);
    CHECK(found(*ledger, "a").message.empty());
    CHECK(found(*ledger, "a").times == DocumentTimes());
  }

  SECTION("what is forgotten is gone, with its intents") {
    record(*ledger, {done("a", "one"), done("b", "two")});
    intend(*ledger, {{"a", version("one")}, {"a", VersionId()}});
    CHECK(refused(*ledger, {failed("a", Outcome::pending, "")}).empty());
    const std::vector<std::string> keys = {"a", "nobody"};
    CHECK(ledger->forget(keys) == std::vector<std::string>{});
    CHECK_FALSE(ledger->find("a")->has_value());
    CHECK(ledger->find("b")->has_value());
    CHECK(ledger->intents()->empty());
    // A call that was carried out, and did not hear of it, repeats it.
    CHECK(ledger->forget(keys) == std::vector<std::string>{});
  }

  SECTION("what is current is not forgotten") {
    record(*ledger, {done("a", "one"), failed("b", Outcome::corrupt, "x")});
    CHECK(ledger->forget(std::vector<std::string>{"a", "b"}) == std::vector<std::string>{"a"});
    CHECK(found(*ledger, "a").current->id == version("one"));
    CHECK_FALSE(ledger->find("b")->has_value());
  }

  SECTION("what was intended last is not forgotten") {
    record(*ledger, {failed("a", Outcome::corrupt, "x")});
    intend(*ledger, {{"a", VersionId()}});
    intend(*ledger, {{"a", version("one")}});
    CHECK(ledger->forget(std::vector<std::string>{"a"}) == std::vector<std::string>{"a"});
    CHECK(found(*ledger, "a").outcome == Outcome::corrupt);
    CHECK(refused(*ledger, {done("a", "one")}).empty());
    CHECK(found(*ledger, "a").current->id == version("one"));
  }

  SECTION("totals are sums over current versions, and counts over outcomes") {
    record(*ledger, {done("a", "one", 3), done("b", "two", 4), failed("c", Outcome::corrupt, "x")});
    const auto totals = ledger->totals();
    REQUIRE(totals.has_value());
    CHECK(totals->documents ==
          std::map<Outcome, std::uint64_t>{{Outcome::done, 2}, {Outcome::corrupt, 1}});
    CHECK(totals->chunks == 7);
    CHECK(totals->pages == 4);
    CHECK(totals->tokens == 1000);
    CHECK(totals->bytes == 250);
  }

  SECTION("records are visited in the order of keys, until the visitor has enough") {
    record(*ledger, {done("b", "two"), done("a", "one"), done("c", "three")});
    std::string keys;
    REQUIRE(ledger
                ->for_each([&](const DocumentRecord& each) {
                  keys += each.claim.key;
                  return keys.size() < 2;
                })
                .has_value());
    CHECK(keys == "ab");
  }

  SECTION("many threads may look while one writes") {
    std::atomic<bool> stop{false};
    std::atomic<int> torn{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        while (!stop) {
          const auto record = ledger->find("a");
          if (!record || (*record && (*record)->current->chunks != (*record)->current->pages))
            ++torn;
        }
      });
    }
    for (std::uint32_t i = 1; i <= 100; ++i) {
      DocumentRecord each = done("a", std::to_string(i), i);
      each.current->pages = i;
      record(*ledger, {each});
    }
    stop = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(torn == 0);
    CHECK(found(*ledger, "a").attempts == 100);
  }
}

}  // namespace penstock
