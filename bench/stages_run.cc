// stages_run STAGE: a fixed piece of the stage's work, on one thread, the same every time.
// stages_run --list: the stages. `penstock gate` runs it under callgrind, which counts instructions
// in penstock_measured() and what it calls, and nothing of what comes before or after.
//
// The input is of this build, too: a change to it or to the fixtures is seen as one of the stage.
#include <tbb/global_control.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/embedding_answer.h"
#include "bench/measured.h"
#include "bench/stored_documents.h"
#include "engine/backends/local/lexical_embedder.h"
#include "engine/backends/openai/embedding_response.h"
#include "engine/backends/sqlite/sqlite_ledger.h"
#include "engine/backends/sqlite/sqlite_vectors.h"
#include "engine/core/random.h"
#include "engine/stages/chunk/chunker.h"
#include "engine/stages/extract/extract_text.h"
#include "engine/stages/pack/packer.h"
#include "engine/stages/tokenize/tokenizer.h"
#include "fixtures/articles.h"
#include "fixtures/fixture.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

void require(bool sound) {
  if (!sound) std::abort();
}

// Sentences of the articles in an order by chance: made in no time, also under callgrind, which
// makes documents a hundred times slower.
std::string text_of(std::size_t bytes) {
  std::vector<std::string_view> sentences;
  for (std::size_t i = 0; i < fixtures::article_count; ++i) {
    std::string_view text = fixtures::articles[i].text;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(". "), text.size());
      sentences.push_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 2, text.size()));
    }
  }
  Random random(1);
  std::string text;
  while (text.size() < bytes) {
    text += sentences[random.below(sentences.size())];
    text += random.below(8) == 0 ? ".\n\n" : ". ";
  }
  text.resize(bytes);  // they are ASCII
  return text;
}

// Whether Poppler reads a table of Adobe's character codes for it, or makes the key of a cipher.
// That was nine tenths of all instructions, and none of them ours: a tenth more of our own would
// have been within the limit.
bool is_popplers_work(const fixtures::Fixture& document) {
  return std::ranges::any_of(document.features, [](const std::string& feature) {
    return feature == "cjk" || feature == "vertical" || feature == "encrypted";
  });
}

// Four hundred pages of text, and a document of each kind that there is.
void extract() {
  constexpr int text_documents = 8;
  std::vector<fixtures::Fixture> documents(text_documents,
                                           fixtures::sized_document(1, 1, 1'000'000));
  for (std::vector<fixtures::Fixture>& set :
       std::array{fixtures::sample_set(1), fixtures::feature_set()})
    for (fixtures::Fixture& document : set)
      if (!is_popplers_work(document)) documents.push_back(std::move(document));
  TextExtractor extractor(default_extractor);
  std::uint64_t number = 0;
  // What is made once in a child's life is made in here.
  extractor.extract(++number, documents.front().bytes, {0, 1}, 64 << 20);
  std::uint64_t pages = 0;
  penstock_measured([&] {
    for (const fixtures::Fixture& document : documents)
      pages += extractor.extract(++number, document.bytes, {0, 1'000}, 64 << 20).page_ends.size();
  });
  require(pages > 0);
}

void tokenize() {
  const Tokenizer tokenizer(Encoding::cl100k_base);
  const std::string text = text_of(512 << 10);
  std::uint64_t tokens = 0;
  penstock_measured([&] { tokens = tokenizer.count(text); });
  require(tokens > 0);
}

void chunk() {
  const Tokenizer tokenizer(Encoding::cl100k_base);
  Text text;
  text.utf8 = text_of(512 << 10);
  constexpr std::size_t page_bytes = 3'000;
  for (std::size_t end = page_bytes; end < text.utf8.size(); end += page_bytes)
    text.page_ends.push_back(end);
  text.page_ends.push_back(text.utf8.size());
  std::size_t chunks = 0;
  penstock_measured([&] { chunks = chunk_text(text, tokenizer, {}).size(); });
  require(chunks > 0);
}

void pack() {
  constexpr std::size_t job_bytes = 64;
  // Jobs are handed on and never looked into.
  static std::array<std::byte, 16 * job_bytes> jobs;
  const std::string text(2'000, 'x');
  Packer packer(PackLimits{}, Lane::bulk, std::chrono::milliseconds(50));
  std::size_t packs = 0;
  penstock_measured([&] {
    for (std::size_t each = 0; each < 50'000; ++each) {
      auto* job = reinterpret_cast<Job*>(&jobs[each / 24 % 16 * job_bytes]);
      if (packer.add({job, each % 24, text, 480}, TimePoint{})) ++packs;
    }
  });
  require(packs > 0);
}

void embed() {
  constexpr std::size_t chunk_bytes = 2'000;  // about 512 tokens
  const std::string text = text_of(512 * chunk_bytes);
  std::vector<std::string_view> chunks;
  for (std::size_t at = 0; at + chunk_bytes <= text.size(); at += chunk_bytes)
    chunks.push_back(std::string_view(text).substr(at, chunk_bytes));
  LexicalEmbedder embedder;
  std::size_t floats = 0;
  penstock_measured([&] {
    embedder.embed(chunks, 0,
                   [&](const Embedding& embedding) { floats = embedding.vectors.size(); });
  });
  require(floats > 0);
}

void response() {
  std::vector<float> rows;
  constexpr std::size_t inputs = 256;
  std::string base64 = embedding_answer(inputs, EmbeddingEncoding::base64);
  std::string numbers = embedding_answer(inputs, EmbeddingEncoding::floats);
  penstock_measured([&] {
    for (std::string* body : {&base64, &numbers})
      require(read_embedding_response(*body, inputs, answer_dimensions, rows).has_value());
  });
}

void store() {
  const StoredDocuments documents(64);
  const TempDir folder;
  SqliteVectors vectors(folder.path("s.db"), "bench", stored_dimensions);
  std::vector<VersionName> names;
  for (const VersionChunks& version : documents.versions())
    names.push_back({version.key, version.version});
  penstock_measured([&] {
    require(vectors.upsert(documents.versions()).has_value());
    require(vectors.count(names).has_value());
  });
}

// A document's way through it: claimed, intended, recorded, cleared.
void ledger() {
  const TempDir folder;
  SqliteLedger ledger(folder.path("s.db"), OpenMode::write);
  std::vector<DocumentRecord> records(1'000);
  std::vector<VersionName> names;
  for (std::size_t i = 0; i < records.size(); ++i) {
    DocumentRecord& record = records[i];
    record.claim.key = "/documents/" + std::to_string(i) + ".pdf";
    record.claim.location = record.claim.key;
    record.outcome = Outcome::done;
    record.fingerprint = "bench";
    record.attempted = VersionId::of(record.claim.key, record.fingerprint);
    record.current = CurrentVersion{*record.attempted, 10, 20, 10'000};
    names.push_back({record.claim.key, *record.attempted});
  }
  penstock_measured([&] {
    for (const DocumentRecord& record : records) require(ledger.find(record.claim.key).has_value());
    require(ledger.intend(names).has_value());
    require(ledger.record(records).has_value());
    require(ledger.clear_intents(names).has_value());
  });
}

// Without worker threads, which would share out the work by chance.
void search() {
  const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
  const StoredDocuments documents(200);
  const TempDir folder;
  SqliteVectors vectors(folder.path("s.db"), "bench", stored_dimensions);
  require(vectors.upsert(documents.versions()).has_value());
  const std::vector<float> query = unit_vectors(1);
  require(vectors.search(query, 10, {}).has_value());  // loads
  penstock_measured([&] {
    for (int i = 0; i < 20; ++i) require(vectors.search(query, 10, {}).has_value());
  });
}

const std::map<std::string_view, void (*)()> stages = {
    {"extract", extract}, {"tokenize", tokenize}, {"chunk", chunk},
    {"pack", pack},       {"embed", embed},       {"response", response},
    {"store", store},     {"ledger", ledger},     {"search", search}};

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  const std::string_view asked = argc == 2 ? argv[1] : "";
  if (asked == "--list") {
    for (const auto& [name, run] : penstock::stages)
      std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
    return 0;
  }
  const auto stage = penstock::stages.find(asked);
  if (stage == penstock::stages.end()) {
    std::fprintf(stderr, "usage: stages_run STAGE | --list\n");
    return 2;
  }
  stage->second();
}
