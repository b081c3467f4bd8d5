// Where a run keeps what it made: ledger, vectors and paid-for embeddings, and a service what was
// uploaded to it; chosen by URL.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "engine/backends/postgres/postgres_pool.h"
#include "engine/backends/sqlite/write_lock.h"
#include "engine/io/catalog.h"
#include "engine/io/embedding_cache.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"

namespace penstock {

class Engine;

// Ledger and vectors. Those in files are held together with the right to write them, which one
// process has; those in servers are shared.
struct Store {
  std::optional<WriteLock> lock;  // absent when opened for reading, and where nothing is in files
  std::unique_ptr<PostgresPool> ledger_pool;  // where it is in Postgres; likewise
  std::unique_ptr<PostgresPool> vectors_pool;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<VectorStore> vectors;
  std::unique_ptr<EmbeddingCache> cache;  // absent where vectors cost nothing, or none is wanted
  std::unique_ptr<Catalog> catalog;       // a service's: see open_catalog()
};

// All throw FatalError. For writing, what does not exist is made, and another writer of a file is
// refused. Vectors of another model than the engine's are refused.
Store open_store_for_writing(const StoreOptions& options, Engine& engine);
// What the store holds, of whatever model.
Store open_store_for_reading(const StoreOptions& options);
// Likewise, with what the engine knows of embeddings; nothing of that is written.
Store open_store_for_reading(const StoreOptions& options, Engine& engine);

// Opens the catalog of a store that is open for writing: it is where the ledger is.
void open_catalog(Store& store, const StoreOptions& options);

// Reads the store's files whole; throws FatalError at the first damage.
void check_store_files(const StoreOptions& options);

// Whether something is there to be read: servers always are.
bool store_exists(const StoreOptions& options);

// Files that the store is in: none if it is in servers.
std::vector<std::string> store_paths(const StoreOptions& options);
// These, and what belongs to them: no source.
std::vector<std::string> files_of_store(const StoreOptions& options);

// For messages; and as options, for commands that they suggest.
std::string name_of(const StoreOptions& options);
std::string flags_of(const StoreOptions& options);

}  // namespace penstock
