// Between `chunk` and `store`: retries, refusals, what is kept and what is left for the next run.
#include <algorithm>
#include <set>
#include <thread>

#include "test/pipeline/world.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

Embedding answer(Answer how, const std::string& message = {}) {
  Embedding embedding;
  embedding.receipt.answer = how;
  embedding.message = message;
  return embedding;
}

bool any_starts_with(const std::vector<std::string_view>& texts, std::string_view start) {
  return std::ranges::any_of(texts, [&](auto text) { return text.starts_with(start); });
}

std::string words(const std::string& word, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += word + " ";
  return text;
}

// Nine documents of a chunk each, the fifth of them starts with "poison".
void put_with_poison(World& world) {
  world.options.pack_wait_max = std::chrono::hours(1);
  for (int i = 0; i < 9; ++i)
    world.put(std::to_string(i), i == 4 ? "poison" : "words " + std::to_string(i));
}

void check_only_poison_failed(World& world, const std::string& message) {
  for (int i = 0; i < 9; ++i) {
    CAPTURE(i);
    const Ended& ended = world.ended(std::to_string(i));
    CHECK(ended.outcome == (i == 4 ? Outcome::failed : Outcome::done));
    CHECK(ended.message == (i == 4 ? message : ""));
  }
  CHECK(world.quota.settled == world.embedder.requests);
}

TEST_CASE("embedding: a refused pack is halved until only the poisoned document fails") {
  World world;
  put_with_poison(world);
  world.embedder.before_answer = [](const auto& texts) {
    return any_starts_with(texts, "poison")
               ? std::optional(answer(Answer::refused_input, "no poison, please"))
               : std::nullopt;
  };
  REQUIRE(world.run().has_value());
  check_only_poison_failed(world, "no poison, please");
}

TEST_CASE("embedding: an input that makes the service fail is isolated and fails alone") {
  World world;
  put_with_poison(world);
  const auto how = GENERATE(Answer::failed, Answer::nonsense);
  std::atomic<int> poisoned{0};
  std::atomic<int> in_company{0};
  world.embedder.before_answer = [&](const auto& texts) -> std::optional<Embedding> {
    if (!any_starts_with(texts, "poison")) return std::nullopt;
    ++poisoned;
    if (texts.size() > 1) ++in_company;
    return answer(how, "it broke");
  };
  REQUIRE(world.run().has_value());
  check_only_poison_failed(world, "it broke");
  CHECK(poisoned == 6);
  CHECK(in_company <= 2);
}

TEST_CASE("embedding: what fails by the endpoint's fault is tried as often as it takes") {
  World world;
  put_with_poison(world);
  const auto how = GENERATE(Answer::failed, Answer::rate_limited, Answer::key_refused);
  world.quota.blame = Blame::endpoint;
  world.embedder.before_answer = [&](const auto&) {
    return world.embedder.requests < 50 ? std::optional(answer(how)) : std::nullopt;
  };
  REQUIRE(world.run().has_value());
  for (int i = 0; i < 9; ++i) CHECK(world.ended(std::to_string(i)).outcome == Outcome::done);
  CHECK(world.stored("4") == std::vector<std::string>{"poison\n"});
}

TEST_CASE("embedding: too few vectors are never stored") {
  World world;
  world.put("a", "words");
  world.embedder.before_answer = [&](const auto&) {
    std::optional<Embedding> embedding;
    if (world.embedder.requests == 1) {
      embedding = answer(Answer::embedded);
      embedding->vectors = {1.0f};
    }
    return embedding;
  };
  REQUIRE(world.run().has_value());
  CHECK(world.embedder.requests == 2);
  CHECK(world.ended("a").outcome == Outcome::done);
}

TEST_CASE("embedding: a service that is misconfigured ends the run and harms no document") {
  World world;
  for (int i = 0; i < 20; ++i) world.put(std::to_string(i), "words " + std::to_string(i));
  world.embedder.before_answer = [](const auto&) {
    return std::optional(answer(Answer::misconfigured, "no such model"));
  };
  const Result<void> run = world.run();
  REQUIRE_FALSE(run.has_value());
  CHECK(run.error().message == "no such model");
  CHECK(run.error().kind == ErrorKind::permanent);
  CHECK(world.queue->closed());
  CHECK(world.quota.stopped);
  CHECK(world.queue->acknowledged().empty());
  CHECK(world.store.documents.empty());

  world.embedder.before_answer = {};
  REQUIRE(world.run().has_value());
  CHECK(world.store.versions.size() == 20);
}

TEST_CASE("embedding: a service whose every answer is of no use ends the run") {
  World world;
  const auto how = GENERATE(Answer::refused_input, Answer::nonsense);
  world.embedder.pack_limits.inputs_max = 1;
  for (int i = 0; i < 100; ++i) world.put(std::to_string(i), "words " + std::to_string(i));
  world.embedder.before_answer = [&](const auto&) {
    return std::optional(answer(how, "dimensions: not supported"));
  };
  const Result<void> run = world.run();
  REQUIRE_FALSE(run.has_value());
  CHECK(world.embedder.requests < 100);
  CHECK(run.error().message == "nothing was embedded so far: dimensions: not supported");
}

TEST_CASE("embedding: what the quota refuses is left for the next run") {
  World world;
  world.quota.refusal = Error{GENERATE(ErrorKind::cancelled, ErrorKind::permanent), "spent"};
  world.put("a", "words");
  world.put("locked", "!encrypted");
  const Result<void> run = world.run();
  REQUIRE_FALSE(run.has_value());
  CHECK(run.error().message == "spent");
  CHECK(run.error().kind == world.quota.refusal->kind);
  CHECK(world.embedder.requests == 0);
  CHECK_FALSE(world.ended_documents.contains("a"));
  CHECK_FALSE(world.store.documents.contains("a"));
  world.quota.refusal.reset();
  REQUIRE(world.run().has_value());
  CHECK(world.ended("a").outcome == Outcome::done);
}

TEST_CASE("embedding: a pack fills up while others wait for the quota") {
  World world;
  world.options.documents_in_flight_max = 1;
  world.options.pack_wait_max = std::chrono::milliseconds(1);
  world.options.chunk = {16, 0};
  world.embedder.pack_limits.inputs_max = 4;
  world.quota.hold = true;
  // Seven chunks: four fill a pack, which waits; the other three stay together behind it.
  world.put("a", words("river", 7 * 15));
  std::thread test([&] {
    world.quota.wait_for(1);
    for (int i = 0; i < 2; ++i) {
      world.quota.release();
      if (i == 0) world.quota.wait_for(1);
    }
  });
  REQUIRE(world.run().has_value());
  test.join();
  CHECK(world.embedder.requests == 2);
}

TEST_CASE("embedding: an interactive document passes bulk work that fills the pipeline") {
  World world;
  world.options.documents_in_flight_max = 1;
  world.quota.hold = true;
  world.put("bulk", "words");
  world.put_interactive("upload", "a short note");
  std::thread test([&] {
    // Both are in flight at once, though there is room for one bulk document only.
    world.quota.wait_for(2);
    world.quota.release();
    world.quota.release();
  });
  REQUIRE(world.run().has_value());
  test.join();
  CHECK(world.quota.interactive == 1);
  CHECK(world.embedder.requests == 2);
  CHECK(world.ended("upload").outcome == Outcome::done);
  CHECK(world.interactive_queue->acknowledged().size() == 1);
  CHECK(world.queue->acknowledged().size() == 1);
}

TEST_CASE("embedding: a text is paid for once") {
  World world;
  world.with_cache = true;
  world.options.chunk = {16, 0};
  world.put("a", words("river", 15) + "\n\n" + words("lake", 15));
  REQUIRE(world.run().has_value());
  const int chunks = world.embedder.inputs;
  REQUIRE(chunks >= 2);

  SECTION("when another document repeats it") {
    world.put("b", words("river", 15) + "\n\n" + words("lake", 15));
    REQUIRE(world.run().has_value());
    CHECK(world.embedder.requests == 0);
    CHECK(world.ended("b").cached_tokens == world.ended("b").tokens);
    CHECK(world.stored("b") == world.stored("a"));
  }
  SECTION("when part of its document changes") {
    world.put("a", words("river", 15) + "\n\n" + words("pond", 15), 2);
    REQUIRE(world.run().has_value());
    CHECK(world.embedder.inputs > 0);
    CHECK(world.embedder.inputs < chunks);
    CHECK(world.ended("a").cached_tokens > 0);
  }
  SECTION("when the run ends before its document is stored") {
    world.put("c", words("meadow", 40));
    world.store.break_step("upsert");
    REQUIRE_FALSE(world.run().has_value());
    CHECK(world.embedder.requests > 0);
    world.store.mend();
    REQUIRE(world.run().has_value());
    CHECK(world.embedder.requests == 0);
    CHECK(world.ended("c").outcome == Outcome::done);
  }
  SECTION("but not by the words of another model") {
    world.store.embeddings.clear();
    world.options.fingerprint = "other";
    REQUIRE(world.run().has_value());
    CHECK(world.embedder.inputs == chunks);
  }
}

// Copies of one text, all in flight before the first is embedded.
void put_copies(World& world, int copies, const std::string& text) {
  world.with_cache = true;
  world.options.chunk = {16, 0};
  world.embedder.pack_limits.inputs_max = 1;
  for (int i = 0; i < copies; ++i) world.put(std::to_string(i), text);
}

TEST_CASE("embedding: copies that are under way at once are paid for once") {
  World world;
  put_copies(world, 20, words("river", 15) + "\n\n" + words("lake", 15));
  REQUIRE(world.run().has_value());
  std::set<std::string> texts;
  std::uint64_t tokens = 0;
  std::uint64_t cached = 0;
  for (const auto& [version, chunks] : world.store.versions) {
    for (const auto& chunk : chunks) {
      texts.insert(chunk.text);
      CHECK(chunk.vector == FakeEmbedder::vector_of(chunk.text));
    }
  }
  for (int i = 0; i < 20; ++i) {
    CHECK(world.ended(std::to_string(i)).outcome == Outcome::done);
    tokens += world.ended(std::to_string(i)).tokens;
    cached += world.ended(std::to_string(i)).cached_tokens;
  }
  CHECK(world.embedder.inputs == static_cast<int>(texts.size()));
  CHECK(cached * 20 == tokens * 19);
}

TEST_CASE("embedding: copies of a poisoned text fail together") {
  World world;
  put_copies(world, 5, "poison");
  world.put("good", "words");
  world.embedder.before_answer = [](const auto& texts) {
    return any_starts_with(texts, "poison")
               ? std::optional(answer(Answer::refused_input, "no poison, please"))
               : std::nullopt;
  };
  REQUIRE(world.run().has_value());
  CHECK(world.ended("good").outcome == Outcome::done);
  for (int i = 0; i < 5; ++i) CHECK(world.ended(std::to_string(i)).message == "no poison, please");
}

TEST_CASE("embedding: a copy takes the place of one whose document failed") {
  World world;
  put_copies(world, 3, words("river", 10));
  // One document's worth of failures; whoever comes next succeeds.
  world.embedder.before_answer = [&](const auto&) {
    return world.embedder.requests <= 6 ? std::optional(answer(Answer::nonsense, "it broke"))
                                        : std::nullopt;
  };
  REQUIRE(world.run().has_value());
  CHECK(world.embedder.requests == 7);
  int failed = 0;
  for (int i = 0; i < 3; ++i) {
    if (world.ended(std::to_string(i)).outcome == Outcome::failed) ++failed;
  }
  CHECK(failed == 1);
  CHECK(world.store.versions.size() == 2);
}

TEST_CASE("embedding: copies are left together for the next run") {
  World world;
  put_copies(world, 5, words("river", 15));
  world.quota.refusal = Error{ErrorKind::cancelled, "spent"};
  REQUIRE_FALSE(world.run().has_value());
  CHECK(world.store.documents.empty());
  world.quota.refusal.reset();
  REQUIRE(world.run().has_value());
  CHECK(world.store.versions.size() == 5);
}

TEST_CASE("embedding: cached and new vectors of a document each find their chunk") {
  World world;
  world.with_cache = true;
  world.options.chunk = {16, 0};
  world.embedder.pack_limits.inputs_max = 2;
  world.put("a", words("river", 30) + "\n\n" + words("lake", 15));
  REQUIRE(world.run().has_value());
  world.put("b", words("brook", 15) + "\n\n" + words("river", 30) + "\n\n" + words("dam", 15));
  REQUIRE(world.run().has_value());
  CHECK(world.ended("b").cached_tokens > 0);
  for (const auto& [version, chunks] : world.store.versions)
    for (const auto& chunk : chunks) CHECK(chunk.vector == FakeEmbedder::vector_of(chunk.text));
}

}  // namespace
}  // namespace penstock
