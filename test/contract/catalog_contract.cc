#include "test/contract/catalog_contract.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

using How = AddedEntry::How;
using Strings = std::vector<std::string>;

constexpr std::size_t all = 1000;
constexpr WallTime end_of_time{std::chrono::milliseconds(std::numeric_limits<std::int64_t>::max())};

WallTime at(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

CatalogEntry entry(const std::string& id, std::string_view content, std::int64_t received_ms = 10,
                   const std::string& tenant = "us") {
  // No two uploads share a location.
  static std::atomic<int> next_location{0};
  CatalogEntry entry;
  entry.name = {tenant, id};
  entry.media_type = "application/pdf";
  entry.file_name = id + ".pdf";
  entry.bytes = content.size();
  entry.digest = sha256(content);
  entry.metadata = "{\"a\":1}";
  entry.region = "eu";
  entry.location = "at " + std::to_string(next_location++);
  entry.received = at(received_ms);
  return entry;
}

CatalogEntry with_metadata(CatalogEntry entry, const std::string& metadata) {
  entry.metadata = metadata;
  return entry;
}

template <typename T>
T value(Result<T> result) {
  INFO((result ? "" : result.error().message));
  REQUIRE(result.has_value());
  return std::move(*result);
}

void succeed(const Result<void>& result) {
  INFO((result ? "" : result.error().message));
  REQUIRE(result.has_value());
}

AddedEntry add(Catalog& catalog, const CatalogEntry& entry, const std::string& key = {}) {
  succeed(catalog.reserve(entry.location, entry.received));
  return value(catalog.add(entry, key));
}

CatalogEntry found(Catalog& catalog, const CatalogName& name) {
  const auto entry = value(catalog.find(name));
  REQUIRE(entry.has_value());
  return *entry;
}

// Removed, queued, and so to be forgotten once the ledger has forgotten it.
CatalogEntry remove(Catalog& catalog, const CatalogName& name, std::int64_t ms) {
  const auto removed = value(catalog.remove(name, at(ms)));
  REQUIRE(removed.has_value());
  succeed(catalog.mark_queued(std::span(&*removed, 1), at(ms + 1)));
  return *removed;
}

void mark_queued(Catalog& catalog, const CatalogEntry& entry, std::int64_t ms) {
  succeed(catalog.mark_queued(std::span(&entry, 1), at(ms)));
}

void forget(Catalog& catalog, const CatalogEntry& entry) {
  succeed(catalog.forget(std::span(&entry, 1)));
}

std::string ids(const std::vector<CatalogEntry>& entries) {
  std::string joined;
  for (const CatalogEntry& entry : entries) joined += entry.name.id;
  return joined;
}

void check_same(const CatalogEntry& a, const CatalogEntry& b) {
  CHECK(a.name == b.name);
  CHECK(a.media_type == b.media_type);
  CHECK(a.file_name == b.file_name);
  CHECK(a.bytes == b.bytes);
  CHECK(a.digest == b.digest);
  CHECK(a.lane == b.lane);
  CHECK(a.metadata == b.metadata);
  CHECK(a.region == b.region);
  CHECK(a.location == b.location);
  CHECK(a.received == b.received);
  CHECK(a.queued == b.queued);
  CHECK(a.is_removed == b.is_removed);
}

// Condemns them.
Strings condemn(Catalog& catalog, WallTime before, std::size_t blobs_max = all,
                const std::optional<CondemnedBlob>& after = {}) {
  Strings locations;
  for (const CondemnedBlob& blob : value(catalog.condemn(before, after, blobs_max)))
    locations.push_back(blob.location);
  return locations;
}

Strings reserved(Catalog& catalog) {
  return condemn(catalog, end_of_time);
}

void run_locations_contract(Catalog& catalog) {
  SECTION("locations stay reserved until they are added or released") {
    const CatalogEntry a = entry("a", "one");
    succeed(catalog.reserve("second", at(20)));
    succeed(catalog.reserve("first", at(5)));
    succeed(catalog.reserve("third", at(30)));
    add(catalog, a);
    CHECK(condemn(catalog, at(20)) == Strings{"first"});
    CHECK(condemn(catalog, at(21)) == Strings{"first", "second"});
    CHECK(condemn(catalog, at(99), 2) == Strings{"first", "second"});
    succeed(catalog.release(Strings{"first", "third", "unknown"}));
    CHECK(reserved(catalog) == Strings{"second"});
  }

  SECTION("what is condemned is seen page by page through equal times") {
    const Strings names = {"c", "a", "\xff", "b", ""};
    for (const std::string& name : names) succeed(catalog.reserve(name + "!", at(5)));
    succeed(catalog.reserve("older", at(4)));
    succeed(catalog.reserve("younger", at(6)));
    succeed(catalog.reserve("too young", at(7)));
    Strings seen;
    std::optional<CondemnedBlob> after;
    for (;;) {
      const auto page = value(catalog.condemn(at(7), after, 2));
      if (page.empty()) break;
      CHECK(page.size() <= 2);
      for (const CondemnedBlob& blob : page) seen.push_back(blob.location);
      after = page.back();
      // Whether it is there still or not.
      if (after->location == "a!") succeed(catalog.release(Strings{"a!"}));
    }
    CHECK(seen == Strings{"older", "!", "a!", "b!", "c!", "\xff!", "younger"});
  }

  SECTION("a location may be reserved again and is as old as the last time") {
    succeed(catalog.reserve("a", at(5)));
    succeed(catalog.reserve("a", at(50)));
    CHECK(condemn(catalog, at(50)).empty());
  }

  SECTION("locations are bytes") {
    CatalogEntry a = entry("a", "one");
    a.location = std::string("/\xff\0'\"\\x", 7);
    succeed(catalog.reserve(a.location, at(1)));
    CHECK(value(catalog.add(a, "")).how == How::added);
    CHECK(found(catalog, a.name).location == a.location);
    remove(catalog, a.name, 20);
    CHECK(reserved(catalog) == Strings{a.location});
    succeed(catalog.release(Strings{a.location}));
    CHECK(reserved(catalog).empty());
  }

  SECTION("an upload whose location is not reserved is refused for good") {
    const CatalogEntry a = entry("a", "one");
    const auto refused = catalog.add(a, "key");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::permanent);
    CHECK_FALSE(value(catalog.find(a.name)).has_value());
    // Nothing of it is left, its key neither.
    CHECK(add(catalog, entry("b", "two"), "key").how == How::added);
  }

  SECTION("an upload that is slower than the sweep is refused") {
    const CatalogEntry a = entry("a", "one");
    succeed(catalog.reserve(a.location, at(1)));
    CHECK(reserved(catalog) == Strings{a.location});
    CHECK_FALSE(catalog.add(a, "").has_value());
    // Nor does it help to reserve it again.
    succeed(catalog.reserve(a.location, at(50)));
    CHECK_FALSE(catalog.add(a, "").has_value());
    CHECK(reserved(catalog) == Strings{a.location});
  }
}

void run_additions_contract(Catalog& catalog) {
  SECTION("an addition whose answer was lost may be made again") {
    const CatalogEntry a = entry("a", "one");
    CHECK(add(catalog, a, "key").how == How::added);
    mark_queued(catalog, a, 20);
    const AddedEntry again = value(catalog.add(a, "key"));
    CHECK(again.how == How::added);
    CHECK(again.entry.queued == at(20));
    CHECK(reserved(catalog).empty());
  }

  SECTION("an addition is neither queued nor removed") {
    CatalogEntry a = entry("a", "one");
    a.queued = at(3);
    a.is_removed = true;
    const AddedEntry added = add(catalog, a);
    CHECK_FALSE(added.entry.queued.has_value());
    CHECK_FALSE(added.entry.is_removed);
    check_same(found(catalog, a.name), added.entry);
  }

  SECTION("another content replaces and leaves the blob it had to the sweep") {
    const CatalogEntry first = entry("a", "one", 10);
    const CatalogEntry second = entry("a", "two", 20);
    add(catalog, first);
    mark_queued(catalog, first, 15);
    const AddedEntry added = add(catalog, second);
    CHECK(added.how == How::replaced);
    check_same(added.entry, second);
    check_same(found(catalog, first.name), second);
    CHECK(condemn(catalog, at(20)).empty());
    CHECK(condemn(catalog, at(21)) == Strings{first.location});
    CHECK_FALSE(catalog.add(first, "").has_value());
    check_same(found(catalog, first.name), second);
  }

  SECTION("other metadata replaces too") {
    add(catalog, entry("a", "one"));
    const CatalogEntry other = with_metadata(entry("a", "one", 20), "{\"a\":2}");
    CHECK(add(catalog, other).how == How::replaced);
    CHECK(found(catalog, other.name).metadata == "{\"a\":2}");
  }

  SECTION("the same content and metadata changes nothing") {
    const CatalogEntry first = entry("a", "one", 10);
    CatalogEntry second = entry("a", "one", 20);
    second.file_name = "other";
    add(catalog, first);
    const AddedEntry added = add(catalog, second);
    CHECK(added.how == How::repeated);
    check_same(added.entry, first);
    check_same(found(catalog, first.name), first);
    CHECK(reserved(catalog) == Strings{second.location});
  }

  SECTION("a removed entry is replaced also by its own content") {
    const CatalogEntry first = entry("a", "one", 10);
    add(catalog, first);
    remove(catalog, first.name, 20);
    const CatalogEntry second = entry("a", "one", 30);
    const AddedEntry added = add(catalog, second);
    CHECK(added.how == How::replaced);
    check_same(added.entry, second);
    check_same(found(catalog, first.name), second);
    CHECK(reserved(catalog) == Strings{first.location});
  }

  SECTION("a removed entry whose blob is swept is replaced and its blob not swept again") {
    const CatalogEntry first = entry("a", "one", 10);
    add(catalog, first);
    remove(catalog, first.name, 20);
    succeed(catalog.release(reserved(catalog)));
    CHECK(add(catalog, entry("a", "two", 30)).how == How::replaced);
    CHECK(reserved(catalog).empty());
  }
}

void run_idempotency_contract(Catalog& catalog) {
  const CatalogEntry first = entry("a", "one", 10);

  SECTION("a second entry with the same key is the repetition of the first") {
    add(catalog, first, "key");
    const CatalogEntry second = entry("b", "one", 20);
    const AddedEntry added = add(catalog, second, "key");
    CHECK(added.how == How::repeated);
    check_same(added.entry, first);
    CHECK_FALSE(value(catalog.find(second.name)).has_value());
    CHECK(reserved(catalog) == Strings{second.location});
    CHECK(add(catalog, entry("b", "one", 20), "other key").how == How::added);
  }

  SECTION("a key that was used with another content or metadata is in conflict") {
    add(catalog, first, "key");
    for (const CatalogEntry& other :
         {entry("b", "two"), entry("a", "two"), with_metadata(entry("b", "one"), "{\"a\":2}")}) {
      const AddedEntry added = add(catalog, other, "key");
      CHECK(added.how == How::conflict);
      check_same(added.entry, first);
    }
    CHECK_FALSE(value(catalog.find({"us", "b"})).has_value());
    check_same(found(catalog, first.name), first);
    CHECK(reserved(catalog).size() == 3);
  }

  SECTION("a late repetition does not bring back what was replaced meanwhile") {
    add(catalog, first, "key");
    const CatalogEntry newer = entry("a", "two", 20);
    CHECK(add(catalog, newer, "newer key").how == How::replaced);
    const AddedEntry late = add(catalog, entry("a", "one", 30), "key");
    CHECK(late.how == How::repeated);
    check_same(late.entry, newer);
    CHECK(add(catalog, entry("c", "two"), "newer key").how == How::repeated);
  }

  SECTION("nor what was removed until it is forgotten") {
    add(catalog, first, "key");
    const CatalogEntry removed = remove(catalog, first.name, 20);
    const AddedEntry late = add(catalog, entry("a", "one", 30), "key");
    CHECK(late.how == How::repeated);
    CHECK(late.entry.is_removed);
    CHECK(add(catalog, entry("a", "two", 30), "key").how == How::conflict);
    CHECK(found(catalog, first.name).is_removed);
    forget(catalog, found(catalog, removed.name));
    CHECK(add(catalog, entry("b", "two", 40), "key").how == How::added);
  }

  SECTION("a key of a repetition is known as well") {
    add(catalog, first);
    CHECK(add(catalog, entry("a", "one"), "key").how == How::repeated);
    CHECK(add(catalog, entry("b", "two"), "key").how == How::conflict);
  }

  SECTION("tenants have keys of their own") {
    add(catalog, first, "key");
    CHECK(add(catalog, entry("a", "two", 10, "them"), "key").how == How::added);
    check_same(found(catalog, first.name), first);
  }

  SECTION("keys are bytes") {
    const std::string key("\xff\0'\"\\x", 6);
    add(catalog, first, key);
    CHECK(add(catalog, entry("b", "one"), key).how == How::repeated);
    CHECK(add(catalog, entry("c", "one"), key.substr(0, 1)).how == How::added);
  }

  SECTION("of an entry's many keys the last are known") {
    for (std::size_t i = 0; i <= keys_an_entry_max; ++i)
      add(catalog, entry("a", std::to_string(i)), "key " + std::to_string(i));
    CHECK(add(catalog, entry("b", "1"), "key 1").how == How::repeated);
    CHECK(add(catalog, entry("b", "0"), "key 0").how == How::added);
  }
}

void run_lookup_contract(Catalog& catalog) {
  SECTION("names of any kind come back as they were") {
    for (const std::string& id :
         {std::string("Größe 漢字 \U0001F4A7"), std::string("../'; DROP TABLE catalog; --"),
          std::string("a/b\\c\"{},NULL"), std::string(" "), std::string("NULL"),
          std::string("%_\n\t"), std::string(500, 'x'), std::string(500, 'X')}) {
      CatalogEntry odd = entry(id, id);
      odd.lane = Lane::bulk;
      odd.metadata = "{\"k\":\"it's \\\"ü\\\" \\u0000\"}";
      add(catalog, odd);
      check_same(found(catalog, odd.name), odd);
      CHECK_FALSE(value(catalog.find({"", id})).has_value());
      remove(catalog, odd.name, 20);
      CHECK(found(catalog, odd.name).is_removed);
      forget(catalog, found(catalog, odd.name));
      CHECK_FALSE(value(catalog.find(odd.name)).has_value());
    }
  }

  SECTION("many are found at once in the order of their names") {
    const CatalogEntry a = entry("a", "one");
    const CatalogEntry b = entry("b", "two");
    add(catalog, a);
    add(catalog, b);
    remove(catalog, b.name, 20);
    const std::vector<CatalogName> names = {b.name, {"us", "c"}, a.name, {"them", "a"}, b.name};
    const auto entries = value(catalog.find(names));
    REQUIRE(entries.size() == 5);
    CHECK(entries[0]->is_removed);
    CHECK_FALSE(entries[1].has_value());
    check_same(*entries[2], a);
    CHECK_FALSE(entries[3].has_value());
    CHECK(entries[4]->name == b.name);
    CHECK(value(catalog.find(std::span<const CatalogName>())).empty());
  }

  SECTION("no tenant sees another's entries") {
    const CatalogEntry ours = entry("a", "one", 10, "us");
    const CatalogEntry theirs = entry("a", "two two", 20, "them");
    CHECK(add(catalog, ours).how == How::added);
    CHECK(add(catalog, theirs).how == How::added);
    check_same(found(catalog, ours.name), ours);
    check_same(found(catalog, theirs.name), theirs);
    CHECK(value(catalog.list("us", {}, all)).size() == 1);
    check_same(value(catalog.list("them", {}, all)).front(), theirs);
    CHECK(value(catalog.list("", {}, all)).empty());
    remove(catalog, ours.name, 30);
    check_same(found(catalog, theirs.name), theirs);
    forget(catalog, found(catalog, ours.name));
    check_same(found(catalog, theirs.name), theirs);
  }

  SECTION("a listing goes on behind its cursor through equal times") {
    for (const std::string id : {"b", "a", "d", "c"}) add(catalog, entry(id, id, 20));
    add(catalog, entry("e", "e", 10));
    add(catalog, entry("f", "f", 30));
    add(catalog, entry("g", "g", 20));
    remove(catalog, {"us", "g"}, 25);
    std::string listed;
    std::optional<CatalogCursor> cursor;
    for (;;) {
      const auto page = value(catalog.list("us", cursor, 2));
      if (page.empty()) break;
      CHECK(page.size() <= 2);
      listed += ids(page);
      cursor = {page.back().received, page.back().name.id};
    }
    CHECK(listed == "fdcbae");
    CHECK(ids(value(catalog.list("us", {}, all))) == "fdcbae");
    CHECK(value(catalog.list("us", {}, 0)).empty());
  }

  SECTION("totals are sums of one tenant or of all") {
    add(catalog, entry("a", "12345", 10, "us"));
    add(catalog, entry("b", "123", 10, "us"));
    add(catalog, entry("c", "1", 10, "them"));
    mark_queued(catalog, found(catalog, {"us", "a"}), 20);
    value(catalog.remove({"us", "b"}, at(30)));
    const CatalogTotals ours = value(catalog.totals("us"));
    CHECK(ours.documents == 1);
    CHECK(ours.bytes == 5);
    CHECK(ours.unqueued == 1);
    const CatalogTotals everybodys = value(catalog.totals(""));
    CHECK(everybodys.documents == 2);
    CHECK(everybodys.bytes == 6);
    CHECK(everybodys.unqueued == 2);
    CHECK(value(catalog.totals("nobody")).documents == 0);
    CHECK(value(catalog.totals("nobody")).bytes == 0);
  }
}

void run_queueing_contract(Catalog& catalog) {
  SECTION("entries are unqueued until they are marked and the oldest comes first") {
    add(catalog, entry("c", "c", 30));
    add(catalog, entry("a", "a", 10));
    add(catalog, entry("b", "b", 5));
    value(catalog.remove({"us", "b"}, at(20)));
    CHECK(ids(value(catalog.unqueued(at(30), all))) == "ab");
    CHECK(ids(value(catalog.unqueued(at(31), all))) == "abc");
    CHECK(ids(value(catalog.unqueued(at(31), 2))) == "ab");
    const auto two = value(catalog.unqueued(at(30), all));
    succeed(catalog.mark_queued(two, at(40)));
    CHECK(found(catalog, {"us", "a"}).queued == at(40));
    CHECK(found(catalog, {"us", "b"}).queued == at(40));
    CHECK(ids(value(catalog.unqueued(end_of_time, all))) == "c");
    succeed(catalog.mark_queued(two, at(50)));
    CHECK(found(catalog, {"us", "a"}).queued == at(40));
    succeed(catalog.mark_queued({}, at(50)));
  }

  SECTION("what changed since it was read is not marked even within a millisecond") {
    const CatalogEntry first = entry("a", "one", 10);
    add(catalog, first);
    add(catalog, entry("a", "two", 10));
    mark_queued(catalog, first, 20);
    CHECK_FALSE(found(catalog, first.name).queued.has_value());
    const CatalogEntry second = found(catalog, first.name);
    value(catalog.remove(first.name, at(10)));
    mark_queued(catalog, second, 20);
    CHECK_FALSE(found(catalog, first.name).queued.has_value());
    CHECK(value(catalog.removed({}, all)).empty());
    forget(catalog, second);
    mark_queued(catalog, entry("nobody", "x"), 20);
    CHECK(found(catalog, first.name).is_removed);
  }

  SECTION("a removed entry is kept until it is forgotten and not listed") {
    const CatalogEntry a = entry("a", "one", 10);
    add(catalog, a);
    mark_queued(catalog, a, 15);
    const auto removed = value(catalog.remove(a.name, at(20)));
    REQUIRE(removed.has_value());
    CatalogEntry expected = a;
    expected.is_removed = true;
    expected.received = at(20);
    check_same(*removed, expected);
    check_same(found(catalog, a.name), expected);
    CHECK(value(catalog.list("us", {}, all)).empty());
    CHECK(condemn(catalog, at(20)).empty());
    CHECK(condemn(catalog, at(21)) == Strings{a.location});
    CHECK_FALSE(value(catalog.remove(a.name, at(30))).has_value());
    CHECK(found(catalog, a.name).received == at(20));
    CHECK_FALSE(value(catalog.remove({"us", "nobody"}, at(30))).has_value());
  }

  SECTION("removed entries that are queued are named and the oldest comes first") {
    for (const std::string id : {"a", "b", "c", "d"}) add(catalog, entry(id, id));
    remove(catalog, {"us", "b"}, 30);
    remove(catalog, {"us", "c"}, 20);
    remove(catalog, {"us", "a"}, 40);
    value(catalog.remove({"us", "d"}, at(10)));
    CHECK(ids(value(catalog.removed({}, all))) == "cba");
    CHECK(ids(value(catalog.removed({}, 2))) == "cb");
    succeed(catalog.forget(value(catalog.removed({}, 2))));
    CHECK(ids(value(catalog.removed({}, all))) == "a");
    CHECK_FALSE(value(catalog.find({"us", "b"})).has_value());
    succeed(catalog.forget({}));
  }

  SECTION("removed entries are seen page by page through equal times") {
    for (const std::string tenant : {"us", "them"})
      for (const std::string id : {"b", "a", "ü"}) {
        add(catalog, entry(id, id, 10, tenant));
        remove(catalog, {tenant, id}, 20);
      }
    add(catalog, entry("old", "x"));
    remove(catalog, {"us", "old"}, 15);
    Strings seen;
    std::optional<CatalogEntry> after;
    for (;;) {
      const auto page = value(catalog.removed(after, 2));
      if (page.empty()) break;
      CHECK(page.size() <= 2);
      for (const CatalogEntry& each : page) seen.push_back(each.name.tenant + '/' + each.name.id);
      after = page.back();
      // Whether it is there still or not.
      if (after->name.id == "a") forget(catalog, *after);
    }
    CHECK(seen == Strings{"us/old", "them/a", "them/b", "them/ü", "us/a", "us/b", "us/ü"});
  }

  SECTION("what came back is not forgotten") {
    add(catalog, entry("a", "one"));
    remove(catalog, {"us", "a"}, 20);
    const CatalogEntry removed = found(catalog, {"us", "a"});
    add(catalog, entry("a", "one", 30));
    forget(catalog, removed);
    forget(catalog, found(catalog, {"us", "a"}));
    CHECK_FALSE(found(catalog, {"us", "a"}).is_removed);
    remove(catalog, {"us", "a"}, 20);
    forget(catalog, removed);
    CHECK(found(catalog, {"us", "a"}).is_removed);
  }
}

// What each of eight threads gets, which ask at the same moment.
template <typename Ask>
std::vector<Result<AddedEntry>> ask_at_once(const Ask& ask) {
  constexpr int threads_count = 8;
  std::vector<Result<AddedEntry>> answers(threads_count);
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < threads_count; ++i)
    threads.emplace_back([&, i] {
      ++ready;
      while (ready < threads_count) std::this_thread::yield();
      answers[static_cast<std::size_t>(i)] = ask(i);
    });
  for (std::thread& thread : threads) thread.join();
  return answers;
}

std::string hows(const std::vector<Result<AddedEntry>>& answers) {
  std::string letters;
  for (const auto& answer : answers)
    letters += answer ? "arRc"[static_cast<int>(answer->how)] : '-';
  std::ranges::sort(letters);
  return letters;
}

void run_concurrency_contract(Catalog& one, Catalog& other) {
  const auto upload = [&](int thread, const CatalogEntry& entry,
                          const std::string& key) -> Result<AddedEntry> {
    Catalog& catalog = thread % 2 == 0 ? one : other;
    if (auto done = catalog.reserve(entry.location, entry.received); !done)
      return pass_on(done.error());
    return catalog.add(entry, key);
  };

  SECTION("of those who ask with one key at once one adds and the others repeat") {
    for (int round = 0; round < 10; ++round) {
      const std::string key = std::to_string(round);
      const auto answers = ask_at_once(
          [&](int i) { return upload(i, entry(key + " " + std::to_string(i), "one"), key); });
      CHECK(hows(answers) == "RRRRRRRa");
      for (const auto& answer : answers) CHECK(answer->entry.name == answers[0]->entry.name);
    }
    CHECK(value(one.list("us", {}, all)).size() == 10);
  }

  SECTION("of those who add one name at once one adds and the others replace") {
    const auto answers =
        ask_at_once([&](int i) { return upload(i, entry("a", std::to_string(i)), {}); });
    CHECK(hows(answers) == "arrrrrrr");
    CHECK(reserved(one).size() == 7);
    const CatalogEntry last = found(other, {"us", "a"});
    CHECK(std::ranges::count_if(answers, [&](const Result<AddedEntry>& answer) {
            return answer->entry.location == last.location;
          }) == 1);
  }

  SECTION("adding and marking and sweeping at once lose nothing") {
    std::atomic<bool> stop{false};
    std::atomic<int> failures{0};
    std::vector<std::string> condemned;
    std::thread sweeper([&] {
      while (!stop) {
        const auto blobs = other.condemn(at(100), {}, 3);
        Strings locations;
        for (const CondemnedBlob& blob : blobs.value_or(std::vector<CondemnedBlob>()))
          locations.push_back(blob.location);
        if (!blobs || !other.release(locations)) ++failures;
        condemned.insert(condemned.end(), locations.begin(), locations.end());
      }
    });
    const auto answers = ask_at_once([&](int i) {
      Result<AddedEntry> answer;
      for (int turn = 0; turn < 20; ++turn) {
        answer = upload(i, entry(std::to_string(i) + "/" + std::to_string(turn), "x"), {});
        if (answer && !(i % 2 == 0 ? other : one).mark_queued(std::span(&answer->entry, 1), at(20)))
          ++failures;
      }
      return answer;
    });
    stop = true;
    sweeper.join();
    CHECK(failures == 0);
    const auto entries = value(one.list("us", {}, all));
    for (const CatalogEntry& entry : entries) {
      CHECK(entry.queued == at(20));
      CHECK(std::ranges::find(condemned, entry.location) == condemned.end());
    }
    CHECK(entries.size() + condemned.size() + reserved(one).size() == 160);
  }
}

}  // namespace

void run_catalog_contract(const std::function<OpenCatalog()>& fresh) {
  const OpenCatalog open = fresh();
  std::unique_ptr<Catalog> catalog = open();

  SECTION("what was never added is absent and no error") {
    CHECK_FALSE(value(catalog->find({"us", "nobody"})).has_value());
    CHECK(value(catalog->list("us", {}, all)).empty());
    CHECK(value(catalog->unqueued(end_of_time, all)).empty());
    CHECK(reserved(*catalog).empty());
    CHECK(value(catalog->totals("")).documents == 0);
  }

  SECTION("what was added is there after reopening") {
    const CatalogEntry a = entry("a", "one");
    add(*catalog, a, "key");
    succeed(catalog->reserve("b", at(5)));
    catalog.reset();
    catalog = open();
    check_same(found(*catalog, a.name), a);
    CHECK(add(*catalog, entry("b", "two"), "key").how == How::conflict);
    CHECK(reserved(*catalog).front() == "b");
  }

  run_locations_contract(*catalog);
  run_additions_contract(*catalog);
  run_idempotency_contract(*catalog);
  run_lookup_contract(*catalog);
  run_queueing_contract(*catalog);
  const std::unique_ptr<Catalog> other = open();
  run_concurrency_contract(*catalog, *other);
}

}  // namespace penstock
