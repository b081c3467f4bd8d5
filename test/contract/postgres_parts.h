// What the tests of Postgres share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/postgres/postgres_pool.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"
#include "test/support/test_postgres.h"

namespace penstock {

// The variables that name the servers.
inline constexpr const char* direct = "PENSTOCK_TEST_POSTGRES";
inline constexpr const char* pooled = "PENSTOCK_TEST_PGBOUNCER";
inline constexpr const char* with_pgvector = "PENSTOCK_TEST_PGVECTOR";

// A database on the server that the variable names; absent where there is none.
std::unique_ptr<TestDatabase> fresh_database(const char* variable);
// The same one each time, empty again. Absent where there is no server.
TestDatabase* cleared_database(const char* variable);

// What it throws; "no error" if nothing.
std::string message_of(const std::function<void()>& act);

VersionId version(std::string_view content);
DocumentRecord done(const std::string& key, const VersionId& id);
std::vector<float> unit(std::size_t dimensions, std::size_t axis);
// One chunk, as the version of its key.
void upsert(VectorStore& store, const std::string& key, const std::vector<float>& vector);
// The only field of the only row.
std::string stored_text(PostgresPool& pool, const std::string& sql);

}  // namespace penstock
