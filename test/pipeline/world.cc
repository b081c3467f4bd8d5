#include "test/pipeline/world.h"

#include <algorithm>

namespace penstock {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer shared(Encoding::cl100k_base);
  return shared;
}

}  // namespace

Result<MemoryFile> FakeBlobs::read(const std::string& location, std::uint64_t bytes_max) {
  ++reads;
  const auto found = contents.find(location);
  if (found == contents.end()) return permanent_error("no such file");
  if (found->second == "!throw") throw std::runtime_error("the disk is on fire");
  if (found->second.size() > bytes_max) return permanent_error("too long");
  return MemoryFile::of(found->second);
}

Result<void> FakeBlobs::write(const std::string& location, std::string_view bytes) {
  contents[location] = bytes;
  return {};
}

Result<std::unique_ptr<BlobWriter>> FakeBlobs::begin(const std::string& location) {
  class Writer final : public BlobWriter {
   public:
    Writer(FakeBlobs& blobs, std::string location)
        : blobs_(blobs), location_(std::move(location)) {}
    Result<void> append(std::string_view bytes) override {
      bytes_ += bytes;
      return {};
    }
    Result<void> commit() override { return blobs_.write(location_, bytes_); }

   private:
    FakeBlobs& blobs_;
    const std::string location_;
    std::string bytes_;
  };
  return std::make_unique<Writer>(*this, location);
}

Result<void> FakeBlobs::remove(const std::string& location) {
  contents.erase(location);
  return {};
}

void FakeEmbedder::embed(std::vector<std::string_view> texts, std::size_t, Done done) {
  ++requests;
  inputs += static_cast<int>(texts.size());
  if (before_answer) {
    if (auto answer = before_answer(texts)) return done(std::move(*answer));
  }
  Embedding embedding;
  for (const std::string_view text : texts)
    for (const float value : vector_of(text)) embedding.vectors.push_back(value);
  done(std::move(embedding));
}

std::vector<float> FakeEmbedder::vector_of(std::string_view text) {
  const auto value = static_cast<float>(std::hash<std::string_view>()(text) % 1000);
  return {value, -value};
}

void FakeQuota::reserve(std::uint64_t tokens, Lane lane, Ready ready) {
  ++reserved;
  if (lane == Lane::interactive) ++interactive;
  if (refusal) return ready(pass_on(*refusal));
  if (!hold) return ready(Grant{0, 0, tokens});
  {
    const std::lock_guard lock(mutex_);
    held_.emplace_back(tokens, std::move(ready));
  }
  changed_.notify_all();
}

Blame FakeQuota::settle(const Grant&, const Receipt&) {
  ++settled;
  return blame;
}

void FakeQuota::release() {
  std::unique_lock lock(mutex_);
  auto [tokens, ready] = std::move(held_.front());
  held_.pop_front();
  lock.unlock();
  ready(Grant{0, 0, tokens});
}

void FakeQuota::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return held_.size() >= count; });
}

Extraction fake_extraction(const MemoryFile& file) {
  const std::string content(file.bytes());
  Extraction extraction;
  extraction.busy = std::chrono::milliseconds(7);
  if (content.starts_with('!')) {
    const std::size_t space = std::min(content.find(' '), content.size());
    extraction.outcome = *outcome_named(content.substr(1, space - 1));
    extraction.message = content.substr(std::min(space + 1, content.size()));
    return extraction;
  }
  extraction.pages = 1;
  extraction.text.utf8 = content + "\n";
  extraction.text.page_ends = {extraction.text.utf8.size()};
  return extraction;
}

World::World()
    : extract([](const MemoryFile& file, Lane, const std::function<void(Extraction)>& done) {
        done(fake_extraction(file));
      }) {
  options.fingerprint = "test";
}

void World::put(const std::string& key, const std::string& content, std::int64_t revision) {
  std::erase_if(claims, [&](const Claim& claim) { return claim.key == key; });
  claims.push_back({key, key, {}, {content.size(), revision, revision}});
  blobs.contents[key] = content;
}

void World::put_interactive(const std::string& key, const std::string& content) {
  interactive_claims.push_back({key, key, {}, {content.size(), 1, 1}});
  blobs.contents[key] = content;
}

void World::ask_removal(const std::string& key) {
  std::erase_if(claims, [&](const Claim& claim) { return claim.key == key; });
  claims.push_back({key, {}, {}, {}});
}

Result<void> World::run() {
  return run(ledger);
}

Result<void> World::run(Ledger& its_ledger) {
  queue = std::make_unique<FakeQueue>(claims);
  interactive_queue = std::make_unique<FakeQueue>(interactive_claims);
  ended_documents.clear();
  embedder.requests = 0;
  embedder.inputs = 0;
  blobs.reads = 0;
  Pipeline pipeline({*queue, blobs, extract, tokenizer(), quota, embedder, its_ledger, vectors,
                     with_cache ? &cache : nullptr, interactive_queue.get(), &events},
                    options, [this](const FinishedDocument& document) {
                      ended_documents[document.claim.key] = {
                          document.outcome, document.message, document.unchanged,
                          document.chunks,  document.tokens,  document.cached_tokens,
                          document.times};
                    });
  return pipeline.run();
}

std::vector<std::string> World::stored(const std::string& key) {
  const std::lock_guard lock(store.mutex);
  std::vector<std::string> versions;
  for (const auto& [version, chunks] : store.versions) {
    if (version.key != key) continue;
    std::string text;
    for (const auto& chunk : chunks) text += (text.empty() ? "" : "|") + chunk.text;
    versions.push_back(text);
  }
  return versions;
}

}  // namespace penstock
