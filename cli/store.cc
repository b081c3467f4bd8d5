#include "cli/store.h"

#include <filesystem>
#include <string_view>

#include "cli/backend_url.h"
#include "cli/wiring.h"
#include "engine/backends/sqlite/sqlite_embeddings.h"
#include "engine/backends/sqlite/sqlite_ledger.h"
#include "engine/backends/sqlite/sqlite_vectors.h"

namespace penstock {
namespace {

// A URL of the options, or of the store if it is empty.
BackendUrl url_of(const std::string& url, const std::string& store, const char* flag,
                  std::initializer_list<const char*> schemes) {
  if (url.empty() && store.empty())
    throw FatalError("--store is empty; give it the path of a file");
  if (url.empty()) return {"sqlite", store};
  BackendUrl parsed = parse_backend_url(url);
  std::string known;
  for (const char* scheme : schemes) {
    if (parsed.scheme == scheme) return parsed;
    known += (known.empty() ? "" : ", ") + std::string(scheme) + ":";
  }
  throw FatalError(std::string(flag) + " " + without_password(url) +
                   ": not a known URL; known are " + known);
}

BackendUrl ledger_url(const StoreOptions& options) {
  BackendUrl url =
      url_of(options.ledger, options.store, "--ledger", {"sqlite", "postgres", "postgresql"});
  if (url.rest.empty()) throw FatalError("--ledger " + options.ledger + " names no file or server");
  return url;
}

BackendUrl vectors_url(const StoreOptions& options) {
  BackendUrl url =
      url_of(options.vectors, options.store, "--vectors", {"sqlite", "pgvector", "pinecone"});
  if (url.rest.empty() && url.scheme != "pgvector")
    throw FatalError("--vectors " + options.vectors + " names no file or server");
  return url;
}

std::unique_ptr<EmbeddingCache> open_cache(const StoreOptions& options, OpenMode mode,
                                           Engine& engine) {
  const std::uint64_t bytes_max = engine.options().embedding_cache_bytes;
  if (!engine.service().is_remote() || bytes_max == 0) return nullptr;
  const std::size_t dimensions = engine.service().embedder().dimensions();
  return std::make_unique<SqliteEmbeddings>(ledger_url(options).rest, mode, dimensions, bytes_max);
}

}  // namespace

Store open_store_for_writing(const StoreOptions& options, Engine& engine) {
  const Embedder& embedder = engine.service().embedder();
  Store store;
  if (const std::vector<std::string> paths = store_paths(options); !paths.empty())
    store.lock.emplace(paths.front());
  store.ledger = std::make_unique<SqliteLedger>(ledger_url(options).rest, OpenMode::write);
  store.vectors = std::make_unique<SqliteVectors>(vectors_url(options).rest, embedder.model(),
                                                  embedder.dimensions());
  store.cache = open_cache(options, OpenMode::write, engine);
  return store;
}

Store open_store_for_reading(const StoreOptions& options) {
  Store store;
  store.ledger = std::make_unique<SqliteLedger>(ledger_url(options).rest, OpenMode::read);
  store.vectors = std::make_unique<SqliteVectors>(vectors_url(options).rest);
  return store;
}

Store open_store_for_reading(const StoreOptions& options, Engine& engine) {
  Store store = open_store_for_reading(options);
  store.cache = open_cache(options, OpenMode::read, engine);
  return store;
}

void require_model(const StoreOptions& options, const Embedder& embedder) {
  SqliteVectors(vectors_url(options).rest).require_model(embedder.model(), embedder.dimensions());
}

std::vector<std::string> store_paths(const StoreOptions& options) {
  std::vector<std::string> paths;
  for (const BackendUrl& url : {ledger_url(options), vectors_url(options)})
    if (url.scheme == "sqlite" && (paths.empty() || paths.front() != url.rest))
      paths.push_back(url.rest);
  return paths;
}

std::vector<std::string> files_of_store(const StoreOptions& options) {
  std::vector<std::string> files;
  for (const std::string& path : store_paths(options))
    for (const char* suffix : {"", "-wal", "-shm", ".lock"})
      files.push_back(std::filesystem::absolute(path + suffix).lexically_normal());
  return files;
}

void check_store_files(const StoreOptions& options) {
  for (const std::string& path : store_paths(options)) {
    const auto sound = SqliteLedger(path, OpenMode::read).check_integrity();
    if (!sound) throw FatalError(sound.error().message);
  }
}

bool store_exists(const StoreOptions& options) {
  for (const std::string& path : store_paths(options)) {
    std::error_code unknown;  // then opening it tells why
    if (!std::filesystem::exists(path, unknown) && !unknown) return false;
  }
  return true;
}

std::string name_of(const StoreOptions& options) {
  return options.ledger.empty() ? options.store : without_password(options.ledger);
}

std::string flags_of(const StoreOptions& options) {
  std::string flags;
  if (options.ledger.empty() || options.vectors.empty()) flags += " --store " + options.store;
  if (!options.ledger.empty()) flags += " --ledger " + without_password(options.ledger);
  if (!options.vectors.empty()) flags += " --vectors " + without_password(options.vectors);
  return flags.substr(1);
}

}  // namespace penstock
