#include "engine/pipeline/pipeline.h"

#include <condition_variable>
#include <deque>
#include <thread>

#include "engine/pipeline/fsck.h"
#include "engine/pipeline/store_writer.h"
#include "test/pipeline/world.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

// Enough words for `chunks` chunks of 16 tokens.
std::string long_text(const std::string& word, int chunks) {
  std::string text;
  for (int i = 0; i < chunks * 16; ++i) text += word + " ";
  return text;
}

Embedding refusal(const std::string& message) {
  Embedding embedding;
  embedding.receipt.answer = Answer::refused_input;
  embedding.message = message;
  return embedding;
}

// Holds extractions back until a test lets them go.
class HeldExtractor {
 public:
  Extract as_extract() {
    return [this](const MemoryFile& file, Lane, std::function<void(Extraction)> done) {
      {
        const std::lock_guard lock(mutex_);
        held_.emplace_back(fake_extraction(file), std::move(done));
        held_max_ = std::max(held_max_, held_.size());
      }
      changed_.notify_all();
    };
  }
  // Waits until so many are held.
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  // Lets the oldest go.
  void release() {
    std::unique_lock lock(mutex_);
    auto [extraction, done] = std::move(held_.front());
    held_.pop_front();
    lock.unlock();
    done(std::move(extraction));
  }
  std::size_t held_max() const { return held_max_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Extraction, std::function<void(Extraction)>>> held_;
  std::size_t held_max_ = 0;
};

TEST_CASE("pipeline: each document gets its outcome, and none harms another") {
  World world;
  world.options.document_bytes_max = 100;
  for (int i = 0; i < 50; ++i) world.put("good" + std::to_string(i), "words " + std::to_string(i));
  world.put("locked", "!encrypted needs a password");
  world.put("bomb", "!out_of_memory");
  world.put("scan", "!no_text");
  world.put("blank", " ");
  world.put("empty", "");
  world.put("large", std::string(101, 'x'));
  world.put("burning", "!throw");
  world.put("vanished", "words");
  world.blobs.contents.erase("vanished");
  for (int i = 50; i < 100; ++i)
    world.put("good" + std::to_string(i), "words " + std::to_string(i));

  REQUIRE(world.run().has_value());

  CHECK(world.ended_documents.size() == 108);
  CHECK(world.queue->acknowledged().size() == 108);
  CHECK(world.store.documents.size() == 108);
  CHECK(world.store.versions.size() == 100);
  CHECK(world.store.intents.empty());
  for (int i = 0; i < 100; ++i)
    CHECK(world.stored("good" + std::to_string(i)) ==
          std::vector<std::string>{"words " + std::to_string(i) + "\n"});
  CHECK(world.ended("locked").outcome == Outcome::encrypted);
  CHECK(world.ended("locked").message == "needs a password");
  CHECK(world.ended("bomb").outcome == Outcome::out_of_memory);
  CHECK(world.ended("scan").outcome == Outcome::no_text);
  CHECK(world.ended("blank").outcome == Outcome::no_text);
  CHECK(world.ended("empty").outcome == Outcome::no_text);
  CHECK(world.ended("empty").message == "the file is empty");
  CHECK(world.ended("large").outcome == Outcome::too_large);
  CHECK(world.ended("large").message == "101 bytes; the limit is 100");
  CHECK(world.ended("burning").outcome == Outcome::failed);
  CHECK(world.ended("burning").message == "fetch: the disk is on fire");
  CHECK(world.ended("vanished").outcome == Outcome::unreadable);
  CHECK(world.store.documents.at("vanished").message == "no such file");
}

TEST_CASE("pipeline: a queue without work ends at once") {
  World world;
  CHECK(world.run().has_value());
}

TEST_CASE("pipeline: a pack that is not full leaves when nothing can join it") {
  World world;
  world.options.pack_wait_max = std::chrono::hours(1);  // the deadline does not help
  world.put("a", "one");
  world.put("b", "two");
  REQUIRE(world.run().has_value());
  CHECK(world.ended("a").outcome == Outcome::done);
  CHECK(world.ended("b").outcome == Outcome::done);
}

TEST_CASE("pipeline: a pack that is not full leaves at its deadline though more may come") {
  World world;
  world.options.pack_wait_max = std::chrono::milliseconds(1);
  HeldExtractor extractor;
  world.extract = extractor.as_extract();
  world.put("a", "one");
  world.put("b", "two");
  std::thread test([&] {
    extractor.wait_for(2);
    extractor.release();
  });
  // The second document is let go by the request that embeds the first.
  world.embedder.before_answer = [&](const auto&) {
    if (world.embedder.requests == 1) extractor.release();
    return std::nullopt;
  };
  REQUIRE(world.run().has_value());
  test.join();
  CHECK(world.embedder.requests == 2);
}

TEST_CASE("pipeline: chunks of different documents share a request") {
  World world;
  world.options.pack_wait_max = std::chrono::hours(1);
  HeldExtractor extractor;
  world.extract = extractor.as_extract();
  for (const char* key : {"a", "b", "c"}) world.put(key, key);
  std::thread test([&] {
    extractor.wait_for(3);
    for (int i = 0; i < 3; ++i) extractor.release();
  });
  REQUIRE(world.run().has_value());
  test.join();
  CHECK(world.embedder.requests == 1);
  CHECK(world.embedder.inputs == 3);
}

TEST_CASE("pipeline: no more documents are in flight than admitted") {
  World world;
  world.options.pack_wait_max = std::chrono::milliseconds(1);  // what each of them waits for
  HeldExtractor extractor;
  world.extract = extractor.as_extract();
  std::size_t in_flight_max = 0;
  SECTION("by their number") {
    world.options.documents_in_flight_max = in_flight_max = 3;
    for (int i = 0; i < 20; ++i) world.put(std::to_string(i), "words");
  }
  SECTION("by their bytes") {
    world.options.bytes_in_flight_max = 250;
    in_flight_max = 2;
    for (int i = 0; i < 20; ++i) world.put(std::to_string(i), std::string(100, 'x'));
  }
  SECTION("but one that is larger than all room passes alone") {
    world.options.bytes_in_flight_max = 250;
    in_flight_max = 1;
    for (int i = 0; i < 20; ++i) world.put(std::to_string(i), std::string(1000, 'x'));
  }
  std::thread test([&] {
    for (std::size_t left = 20; left > 0; --left) {
      extractor.wait_for(std::min(left, in_flight_max));
      extractor.release();
    }
  });
  REQUIRE(world.run().has_value());
  test.join();
  CHECK(extractor.held_max() == in_flight_max);
  CHECK(world.ended_documents.size() == 20);
}

TEST_CASE("pipeline: each chunk gets its own vector, however its document was packed") {
  World world;
  world.options.chunk = {16, 0};
  world.embedder.pack_limits.inputs_max = GENERATE(1, 2, 3, 100);
  for (const char* key : {"alpha", "beta", "gamma"}) world.put(key, long_text(key, 5));
  REQUIRE(world.run().has_value());
  CHECK(world.store.versions.size() == 3);
  for (const auto& [version, chunks] : world.store.versions) {
    CHECK(chunks.size() >= 5);
    for (const auto& stored : chunks) CHECK(stored.vector == FakeEmbedder::vector_of(stored.text));
  }
}

TEST_CASE("pipeline: what the embedder refuses fails, and only that") {
  World world;
  world.embedder.pack_limits.inputs_max = 1;
  world.options.chunk = {16, 0};
  world.put("a", "good");
  world.put("b", long_text("poison", 3));
  world.put("c", "good, too");
  world.embedder.before_answer = [](const auto& texts) {
    return texts[0].starts_with("poison") ? std::optional(refusal("no poison, please"))
                                          : std::nullopt;
  };
  REQUIRE(world.run().has_value());
  CHECK(world.ended("a").outcome == Outcome::done);
  CHECK(world.ended("b").outcome == Outcome::failed);
  CHECK(world.ended("b").message == "no poison, please");
  CHECK(world.ended("c").outcome == Outcome::done);
  CHECK(world.stored("b").empty());
}

TEST_CASE("pipeline: a rerun does only what is left to do") {
  World world;
  world.put("a", "one");
  world.put("locked", "!encrypted");
  REQUIRE(world.run().has_value());

  SECTION("an unchanged stamp spares the reading") {
    REQUIRE(world.run().has_value());
    CHECK(world.blobs.reads == 0);
    CHECK(world.ended("a").unchanged);
    CHECK(world.ended("locked").unchanged);
    CHECK(world.ended("locked").outcome == Outcome::encrypted);
    CHECK(world.store.documents.at("a").attempts == 1);
  }
  SECTION("the same content under a new stamp is read and not embedded, and its stamp is kept") {
    world.put("a", "one", 2);
    REQUIRE(world.run().has_value());
    CHECK(world.blobs.reads == 1);
    CHECK(world.embedder.requests == 0);
    CHECK(world.ended("a").unchanged);
    REQUIRE(world.run().has_value());
    CHECK(world.blobs.reads == 0);
  }
  SECTION("new metadata are kept, and nothing is embedded for them") {
    world.claims.front().metadata = "{\"team\":\"rivers\"}";
    REQUIRE(world.run().has_value());
    CHECK(world.embedder.requests == 0);
    CHECK(world.ended("a").unchanged);
    CHECK(world.store.documents.at("a").claim.metadata == "{\"team\":\"rivers\"}");
  }
  SECTION("other parameters mean other chunks") {
    world.options.fingerprint = "other";
    REQUIRE(world.run().has_value());
    CHECK(world.embedder.inputs == 1);
    CHECK_FALSE(world.ended("a").unchanged);
    CHECK(world.stored("a").size() == 1);
  }
  SECTION("what the embedder refused is tried again") {
    world.embedder.before_answer = [](const auto&) { return std::optional(refusal("not today")); };
    world.put("b", "two");
    REQUIRE(world.run().has_value());
    REQUIRE(world.ended("b").outcome == Outcome::failed);
    world.embedder.before_answer = {};
    REQUIRE(world.run().has_value());
    CHECK(world.ended("b").outcome == Outcome::done);
  }
  SECTION("what was put back is done again") {
    REQUIRE(world.ledger.put_back("a").has_value());
    REQUIRE(world.run().has_value());
    CHECK_FALSE(world.ended("a").unchanged);
    CHECK(world.ended("a").outcome == Outcome::done);
    CHECK(world.stored("a") == std::vector<std::string>{"one\n"});
  }
}

TEST_CASE("pipeline: a changed document replaces its old version") {
  World world;
  world.put("a", "one");
  REQUIRE(world.run().has_value());

  SECTION("which is searchable until the new one is complete") {
    world.put("a", "two", 2);
    std::vector<std::string> during;
    world.embedder.before_answer = [&](const auto&) {
      during = world.stored("a");
      return std::nullopt;
    };
    REQUIRE(world.run().has_value());
    CHECK(during == std::vector<std::string>{"one\n"});
    CHECK(world.stored("a") == std::vector<std::string>{"two\n"});
  }
  SECTION("but keeps it when the new one fails") {
    world.put("a", "!corrupt half a file", 2);
    REQUIRE(world.run().has_value());
    CHECK(world.ended("a").outcome == Outcome::corrupt);
    CHECK(world.stored("a") == std::vector<std::string>{"one\n"});
    CHECK(world.store.documents.at("a").current->id == VersionId::of("one", "test"));
  }
  SECTION("and loses it when the new one has no text") {
    world.put("a", "!no_text", 2);
    REQUIRE(world.run().has_value());
    CHECK(world.stored("a").empty());
  }
}

TEST_CASE("pipeline: a document that is claimed twice is stored once") {
  World world;
  world.put("a", "words");
  world.claims.push_back(world.claims.front());
  REQUIRE(world.run().has_value());
  CHECK(world.queue->acknowledged().size() == 2);
  CHECK(world.stored("a") == std::vector<std::string>{"words\n"});
  CHECK(world.store.intents.empty());
}

TEST_CASE("pipeline: whichever step of the store fails, a rerun completes it") {
  const std::string step = GENERATE("find", "recall", "keep", "intend", "upsert", "count", "record",
                                    "remove", "clear_intents");
  CAPTURE(step);
  World world;
  world.with_cache = true;
  world.put("changed", "old");
  REQUIRE(world.run().has_value());
  world.put("changed", "new", 2);
  world.put("new", "words");

  world.store.break_step(step);
  const Result<void> broken = world.run();
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().message == step + " is broken");
  CHECK(world.queue->closed());
  // A batch before the broken one may have been written whole.
  CHECK(world.queue->acknowledged().size() < 2);

  world.store.mend();
  REQUIRE(recover(world.ledger, world.vectors).has_value());
  REQUIRE(world.run().has_value());
  CHECK(world.stored("changed") == std::vector<std::string>{"new\n"});
  CHECK(world.stored("new") == std::vector<std::string>{"words\n"});
  CHECK(world.store.intents.empty());
  const auto report = fsck(world.ledger, world.vectors, false, [](const auto&, const auto&) {});
  REQUIRE(report.has_value());
  CHECK(report->sound());
}

TEST_CASE("pipeline: a store that holds less than it took is not believed") {
  class Forgetful final : public VectorStore {
   public:
    Result<void> upsert(std::span<const VersionChunks>) override { return {}; }
    Result<std::vector<VersionCount>> count(std::span<const VersionName> versions) override {
      return std::vector<VersionCount>(versions.size());
    }
    Result<void> remove(std::span<const VersionName>) override { return {}; }
    Result<std::vector<Hit>> search(std::span<const float>, std::size_t,
                                    const std::function<bool(const std::string&)>&) override {
      return std::vector<Hit>{};
    }
    Result<void> for_each(const std::function<bool(const StoredVersion&)>&) override { return {}; }
    Result<VersionCount> totals() override { return VersionCount{}; }
    void require_model(const std::string&, std::size_t) override {}
  };
  World world;
  Forgetful vectors;
  FakeQueue queue({{"a", "a", {}, {5, 1, 1}}});
  world.blobs.contents["a"] = "words";
  const Tokenizer tokenizer(Encoding::cl100k_base);
  Pipeline pipeline({queue, world.blobs, world.extract, tokenizer, world.quota, world.embedder,
                     world.ledger, vectors},
                    world.options, [](const FinishedDocument&) {});
  const Result<void> ran = pipeline.run();
  REQUIRE_FALSE(ran.has_value());
  CHECK(ran.error().message ==
        "a: the vector store took 1 chunks and holds 0; run the same command again");
  CHECK(queue.acknowledged().empty());
  CHECK(queue.given_back() == std::vector<std::string>{"a"});
  CHECK(world.store.documents.empty());
}

TEST_CASE("pipeline: a known failure stands unless another attempt is asked for") {
  World world;
  world.put("a", "!crashed boom");
  REQUIRE(world.run().has_value());
  world.blobs.contents["a"] = "words";  // under the same stamp
  REQUIRE(world.run().has_value());
  CHECK(world.ended("a").unchanged);
  CHECK(world.ended("a").outcome == Outcome::crashed);
  world.claims.back().again = true;
  REQUIRE(world.run().has_value());
  CHECK(world.ended("a").outcome == Outcome::done);
  CHECK(world.stored("a") == std::vector<std::string>{"words\n"});
}

TEST_CASE("pipeline: a ledger that is gone is not waited for again by each document") {
  class Gone final : public MemoryLedger {
   public:
    using MemoryLedger::MemoryLedger;
    Result<std::optional<DocumentRecord>> find(const std::string&) override {
      ++finds;
      return retryable_error("the ledger is gone");
    }
    std::atomic<int> finds{0};
  };
  World world;
  std::vector<Claim> claims;
  for (int i = 0; i < 50; ++i) claims.push_back({std::to_string(i), "a", {}, {5, 1, 1}});
  FakeQueue queue(claims);
  Gone ledger(world.store);
  const Tokenizer tokenizer(Encoding::cl100k_base);
  Pipeline pipeline({queue, world.blobs, world.extract, tokenizer, world.quota, world.embedder,
                     ledger, world.vectors},
                    world.options, [](const FinishedDocument&) {});
  const Result<void> ran = pipeline.run();
  REQUIRE_FALSE(ran.has_value());
  CHECK(ran.error().message == "the ledger is gone");
  CHECK(queue.given_back().size() == queue.claimed());
  CHECK(ledger.finds <= 4);  // a reader's thread each
}

TEST_CASE("pipeline: a store of blobs that refuses its credentials ends the run") {
  class Refusing final : public BlobStore {
   public:
    Result<MemoryFile> read(const std::string&, std::uint64_t) override {
      return tl::unexpected<Error>(Error{ErrorKind::misconfigured, "who are you?"});
    }
    Result<void> write(const std::string&, std::string_view) override { return {}; }
    Result<std::unique_ptr<BlobWriter>> begin(const std::string&) override {
      return permanent_error("nothing is written here");
    }
    Result<void> remove(const std::string&) override { return {}; }
  };
  World world;
  FakeQueue queue({{"a", "a", {}, {5, 1, 1}}, {"b", "b", {}, {5, 1, 1}}});
  Refusing blobs;
  const Tokenizer tokenizer(Encoding::cl100k_base);
  Pipeline pipeline({queue, blobs, world.extract, tokenizer, world.quota, world.embedder,
                     world.ledger, world.vectors},
                    world.options, [](const FinishedDocument&) {});
  const Result<void> ran = pipeline.run();
  REQUIRE_FALSE(ran.has_value());
  CHECK(ran.error().message == "who are you?");
  CHECK(queue.given_back().size() == queue.claimed());
  CHECK(world.store.documents.empty());
}

TEST_CASE("pipeline: what a dead worker left of a document goes with its next attempt") {
  const std::string content = GENERATE("words", "!corrupt damaged", "old");
  CAPTURE(content);
  World world;
  world.put("a", "old");
  REQUIRE(world.run().has_value());
  // Another worker wrote one more version, and died before it was current.
  MemoryVectors others(world.store);
  const std::string text = "lost";
  Chunk chunk;
  chunk.text = text;
  const std::vector<float> vector = {1, 0};
  const VersionName lost = {"a", VersionId::of("lost", "test")};
  REQUIRE(world.ledger.intend(std::span(&lost, 1)).has_value());
  const std::vector<VersionChunks> versions = {{"a", lost.version, std::span(&chunk, 1), vector}};
  REQUIRE(others.upsert(versions).has_value());

  world.put("a", content, 2);
  REQUIRE(world.run().has_value());
  CHECK(world.stored("a") == std::vector<std::string>{content == "words" ? "words\n" : "old\n"});
  CHECK(world.store.intents.empty());
}

TEST_CASE("pipeline: a worker that was overtaken leaves the document to the other") {
  // While this worker is slow to upsert, another one intends a version of its own.
  class Overtaken final : public MemoryLedger {
   public:
    using MemoryLedger::MemoryLedger;
    Result<std::vector<std::string>> record(std::span<const DocumentRecord> records) override {
      const VersionName other = {"a", VersionId::of("other", "test")};
      if (auto done = intend(std::span(&other, 1)); !done) return pass_on(done.error());
      return MemoryLedger::record(records);
    }
  };
  World world;
  world.blobs.contents = {{"a", "words"}, {"b", "words"}};
  FakeQueue queue({{"a", "a", {}, {5, 1, 1}}, {"b", "b", {}, {5, 1, 1}}});
  Overtaken ledger(world.store);
  const Tokenizer tokenizer(Encoding::cl100k_base);
  std::string ended;
  Pipeline pipeline({queue, world.blobs, world.extract, tokenizer, world.quota, world.embedder,
                     ledger, world.vectors},
                    world.options,
                    [&](const FinishedDocument& document) { ended += document.claim.key; });
  REQUIRE(pipeline.run().has_value());
  CHECK(ended == "b");
  CHECK(queue.given_back() == std::vector<std::string>{"a"});
  CHECK(world.stored("a").empty());
  CHECK_FALSE(world.store.documents.contains("a"));
  CHECK(world.stored("b") == std::vector<std::string>{"words\n"});
}

TEST_CASE("pipeline: a worker that stood still until another had finished changes nothing") {
  // While this worker stands still before its first write, another one does newer content whole.
  class Late final : public MemoryLedger {
   public:
    using MemoryLedger::MemoryLedger;
    Result<std::vector<VersionName>> intents(std::span<const std::string> keys) override {
      const VersionName newer = {"a", VersionId::of("newer", "test")};
      DocumentRecord record;
      record.claim.key = "a";
      record.outcome = Outcome::done;
      record.current = CurrentVersion{newer.version, 1, 1, 1};
      REQUIRE(MemoryLedger::intend(std::span(&newer, 1)).has_value());
      REQUIRE(MemoryLedger::record(std::span(&record, 1)).value().empty());
      REQUIRE(MemoryLedger::clear_intents(std::span(&newer, 1)).has_value());
      return MemoryLedger::intents(keys);
    }
  };
  World world;
  world.blobs.contents = {{"a", "older"}};
  FakeQueue queue({{"a", "a", {}, {5, 1, 1}}});
  Late ledger(world.store);
  const Tokenizer tokenizer(Encoding::cl100k_base);
  Pipeline pipeline({queue, world.blobs, world.extract, tokenizer, world.quota, world.embedder,
                     ledger, world.vectors},
                    world.options, [](const FinishedDocument&) {});
  REQUIRE(pipeline.run().has_value());
  CHECK(queue.given_back() == std::vector<std::string>{"a"});
  CHECK(world.stored("a").empty());
  CHECK(world.store.documents["a"].current->id == VersionId::of("newer", "test"));
  CHECK(world.store.intents.empty());
}

TEST_CASE("pipeline: closing the queue finishes what is in flight, and no more") {
  World world;
  world.options.documents_in_flight_max = 2;
  HeldExtractor extractor;
  world.extract = extractor.as_extract();
  for (int i = 0; i < 10; ++i) world.put(std::to_string(i), "words");
  std::thread test([&] {
    extractor.wait_for(2);
    world.queue->close();
    extractor.release();
    extractor.release();
    // One more may have been claimed before, and waits for admission.
    if (world.queue->claimed() == 3) {
      extractor.wait_for(1);
      extractor.release();
    }
  });
  REQUIRE(world.run().has_value());
  test.join();
  CHECK(world.queue->claimed() <= 3);
  CHECK(world.queue->acknowledged().size() == world.queue->claimed());
}

TEST_CASE("pipeline: a dry run measures and leaves no trace") {
  World world;
  world.options.measure_only = true;
  world.put("a", "some words");
  world.put("locked", "!encrypted");
  REQUIRE(world.run().has_value());
  CHECK(world.ended("a").chunks == 1);
  CHECK(world.ended("locked").outcome == Outcome::encrypted);
  CHECK(world.embedder.requests == 0);
  CHECK(world.queue->acknowledged().empty());
  CHECK(world.store.documents.empty());
}

TEST_CASE("pipeline: a document's time is told stage by stage") {
  World world;
  world.put("a", "words");
  REQUIRE(world.run().has_value());
  const StageTimes& times = world.ended("a").times;
  CHECK(times.of(Stage::extract).busy == std::chrono::milliseconds(7));
  for (const Stage stage : {Stage::fetch, Stage::chunk, Stage::store}) {
    INFO(name_of(stage));
    CHECK(times.of(stage).busy > Duration{0});
  }
  for (const Stage stage : all_stages) {
    INFO(name_of(stage));
    CHECK(times.of(stage).waited >= Duration{0});
    CHECK(times.of(stage).busy >= Duration{0});
  }
}

}  // namespace
}  // namespace penstock
