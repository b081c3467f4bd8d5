// Everything around a pipeline, made of fakes with state: a queue of documents, their contents, an
// extractor, an embedder and a store. A document's content says what becomes of it:
//   "some words"        its text, one page
//   "!corrupt reason"   the extractor's outcome and message
// Documents are claimed in the order in which they were put.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/pipeline/pipeline.h"
#include "test/support/memory_events.h"
#include "test/support/memory_store.h"

namespace penstock {

class FakeQueue final : public WorkQueue {
 public:
  explicit FakeQueue(std::vector<Claim> claims) : claims_(std::move(claims)) {}

  std::optional<Claim> claim() override {
    const std::lock_guard lock(mutex_);
    if (closed_ || next_ == claims_.size()) return std::nullopt;
    return claims_[next_++];
  }
  void acknowledge(const Claim& claim, Outcome outcome, const std::string&) override {
    const std::lock_guard lock(mutex_);
    acknowledged_.emplace_back(claim.key, outcome);
  }
  void give_back(const Claim& claim) override {
    const std::lock_guard lock(mutex_);
    given_back_.push_back(claim.key);
  }
  std::vector<bool> holds(std::span<const std::string> keys) override {
    std::vector<bool> held;
    for (const std::string& key : keys) held.push_back(!lost.contains(key));
    return held;
  }
  // What is claimed after it is nothing, so that claimed() is final once it returns.
  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

  std::size_t claimed() const {
    const std::lock_guard lock(mutex_);
    return next_;
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::vector<std::pair<std::string, Outcome>> acknowledged() const { return acknowledged_; }
  std::vector<std::string> given_back() const { return given_back_; }

  std::set<std::string> lost;  // whose claims have ended; of the thread that stores

 private:
  const std::vector<Claim> claims_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::size_t next_ = 0;
  bool closed_ = false;
  std::vector<std::pair<std::string, Outcome>> acknowledged_;
  std::vector<std::string> given_back_;
};

class FakeBlobs final : public BlobStore {
 public:
  Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) override;
  Result<void> write(const std::string& location, std::string_view bytes) override;
  Result<std::unique_ptr<BlobWriter>> begin(const std::string& location) override;
  Result<void> remove(const std::string& location) override;

  std::map<std::string, std::string> contents;  // set before a run
  std::atomic<int> reads{0};
};

class FakeEmbedder final : public Embedder {
 public:
  std::string model() const override { return "fake"; }
  std::size_t dimensions() const override { return 2; }
  PackLimits limits() const override { return pack_limits; }
  void embed(std::vector<std::string_view> inputs, std::size_t key, Done done) override;

  // What a right answer holds for a text.
  static std::vector<float> vector_of(std::string_view text);

  PackLimits pack_limits{};
  // Called with each request's texts before it is answered; may answer otherwise.
  std::function<std::optional<Embedding>(const std::vector<std::string_view>&)> before_answer;
  std::atomic<int> requests{0};
  std::atomic<int> inputs{0};
};

class FakeQuota final : public Quota {
 public:
  void reserve(std::uint64_t tokens, Lane lane, Ready ready) override;
  Blame settle(const Grant& grant, const Receipt& receipt) override;
  void stop() override { stopped = true; }

  // Grants what was held, the oldest first.
  void release();
  // Waits until so many reservations are held.
  void wait_for(std::size_t count);

  std::optional<Error> refusal;
  Blame blame = Blame::request;
  bool hold = false;  // set before a run: nothing is granted but by release()
  std::atomic<bool> stopped{false};
  std::atomic<int> reserved{0};
  std::atomic<int> settled{0};
  std::atomic<int> interactive{0};  // reservations of that lane

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::uint64_t, Ready>> held_;  // guarded by mutex_
};

Extraction fake_extraction(const MemoryFile& file);

// What the observer was told of one document.
struct Ended {
  Outcome outcome = Outcome::pending;
  std::string message;
  bool unchanged = false;
  std::uint64_t chunks = 0;
  std::uint64_t tokens = 0;
  std::uint64_t cached_tokens = 0;
  StageTimes times;
};

class World {
 public:
  World();

  // A document to claim, with a stamp that changes with `revision`.
  void put(const std::string& key, const std::string& content, std::int64_t revision = 1);

  // The same, for somebody who waits.
  void put_interactive(const std::string& key, const std::string& content);

  // In place of what was put: asks that the document be removed.
  void ask_removal(const std::string& key);

  // Runs a new pipeline over all documents that were put.
  Result<void> run();
  // The same, as another worker whose ledger behaves as a test wants it.
  Result<void> run(Ledger& its_ledger);

  const Ended& ended(const std::string& key) const { return ended_documents.at(key); }
  // Texts of the document's stored chunks by version, joined by '|'.
  std::vector<std::string> stored(const std::string& key);

  FakeBlobs blobs;
  FakeEmbedder embedder;
  FakeQuota quota;
  MemoryStore store;
  MemoryLedger ledger{store};
  MemoryVectors vectors{store};
  MemoryEmbeddings cache{store};
  bool with_cache = false;
  MemoryEvents events;
  Extract extract;
  PipelineOptions options;

  std::vector<Claim> claims;
  std::vector<Claim> interactive_claims;
  // Of the last run.
  std::unique_ptr<FakeQueue> queue;
  std::unique_ptr<FakeQueue> interactive_queue;
  std::map<std::string, Ended> ended_documents;
};

}  // namespace penstock
