#include "cli/store.h"

#include <cstdlib>
#include <filesystem>
#include <initializer_list>

#include "cli/backend_url.h"
#include "cli/wiring.h"
#include "engine/backends/pinecone/pinecone_vectors.h"
#include "engine/backends/postgres/pgvector_vectors.h"
#include "engine/backends/postgres/postgres_catalog.h"
#include "engine/backends/postgres/postgres_embeddings.h"
#include "engine/backends/postgres/postgres_ledger.h"
#include "engine/backends/sqlite/sqlite_catalog.h"
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

std::unique_ptr<PostgresPool> open_pool(const std::string& url) {
  PostgresOptions options;
  options.url = url;
  return std::make_unique<PostgresPool>(options);
}

void open_ledger(Store& store, const StoreOptions& options, OpenMode mode) {
  const BackendUrl url = ledger_url(options);
  if (url.scheme == "sqlite") {
    store.ledger = std::make_unique<SqliteLedger>(url.rest, mode);
  } else {
    store.ledger_pool = open_pool(options.ledger);
    store.ledger = std::make_unique<PostgresLedger>(*store.ledger_pool);
  }
}

// The database of the vectors: one of their own, or the ledger's.
PostgresPool& vectors_pool(Store& store, const BackendUrl& url) {
  if (!url.rest.empty()) {
    store.vectors_pool = open_pool(url.rest);
    return *store.vectors_pool;
  }
  if (!store.ledger_pool)
    throw FatalError(
        "--vectors pgvector: is the ledger's database, and the ledger is in a file; "
        "write pgvector:postgres://...");
  return *store.ledger_pool;
}

PineconeOptions pinecone_options(const StoreOptions& options) {
  PineconeOptions pinecone;
  pinecone.url = options.vectors;
  for (const char* name : {"PENSTOCK_PINECONE_API_KEY", "PINECONE_API_KEY"})
    if (const char* key = std::getenv(name); key != nullptr && pinecone.api_key.empty())
      pinecone.api_key = Secret(key);
  return pinecone;
}

// The one constructor or the other: `model`, for writing, is its name and dimensions.
template <typename... Model>
void open_vectors(Store& store, const StoreOptions& options, const Model&... model) {
  const BackendUrl url = vectors_url(options);
  if (url.scheme == "sqlite") {
    store.vectors = std::make_unique<SqliteVectors>(url.rest, model...);
  } else if (url.scheme == "pgvector") {
    store.vectors = std::make_unique<PgvectorVectors>(vectors_pool(store, url), model...);
  } else {
    store.vectors = std::make_unique<PineconeVectors>(pinecone_options(options), model...);
  }
}

void open_cache(Store& store, const StoreOptions& options, OpenMode mode, Engine& engine) {
  const std::uint64_t bytes_max = engine.options().embedding_cache_bytes;
  if (!engine.service().is_remote() || bytes_max == 0) return;
  const std::size_t dimensions = engine.service().embedder().dimensions();
  if (store.ledger_pool) {
    store.cache = std::make_unique<PostgresEmbeddings>(*store.ledger_pool, dimensions, bytes_max);
  } else {
    store.cache =
        std::make_unique<SqliteEmbeddings>(ledger_url(options).rest, mode, dimensions, bytes_max);
  }
}

}  // namespace

Store open_store_for_writing(const StoreOptions& options, Engine& engine) {
  const Embedder& embedder = engine.service().embedder();
  Store store;
  if (const std::vector<std::string> paths = store_paths(options); !paths.empty())
    store.lock.emplace(paths.front());
  open_ledger(store, options, OpenMode::write);
  open_vectors(store, options, embedder.model(), embedder.dimensions());
  open_cache(store, options, OpenMode::write, engine);
  return store;
}

Store open_store_for_reading(const StoreOptions& options) {
  Store store;
  open_ledger(store, options, OpenMode::read);
  open_vectors(store, options);
  return store;
}

Store open_store_for_reading(const StoreOptions& options, Engine& engine) {
  Store store = open_store_for_reading(options);
  open_cache(store, options, OpenMode::read, engine);
  return store;
}

void open_catalog(Store& store, const StoreOptions& options) {
  if (store.ledger_pool) {
    store.catalog = std::make_unique<PostgresCatalog>(*store.ledger_pool);
  } else {
    store.catalog = std::make_unique<SqliteCatalog>(ledger_url(options).rest);
  }
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
