#include "engine/backends/postgres/schema.h"

#include <cstddef>
#include <cstdint>

#include "engine/backends/postgres/postgres_pool.h"
#include "engine/core/error.h"

namespace penstock {
namespace {

std::string table_of_versions() {
  return "CREATE TABLE IF NOT EXISTS penstock.schema ("
         "part text PRIMARY KEY, version integer NOT NULL)";
}

// 0 where the part has never been.
template <typename Connection>
Result<std::size_t> version_of(Connection& connection, const std::string& part) {
  const auto is_there = connection.run("SELECT to_regclass('penstock.schema') IS NOT NULL");
  if (!is_there) return pass_on(is_there.error());
  if (!is_there->boolean(0, 0)) return 0;
  const auto rows =
      connection.run("SELECT version FROM penstock.schema WHERE part = $1", {{part}, {}});
  if (!rows) return pass_on(rows.error());
  return rows->size() == 0 ? 0 : rows->natural(0, 0);
}

void require_known(const PostgresPool& pool, const std::string& part, std::size_t version,
                   std::size_t known) {
  if (version > known)
    throw FatalError(pool.name() + ": written by a newer penstock (schema " +
                     std::to_string(version) + " of its " + part + ", this one knows " +
                     std::to_string(known) + "); use that one");
}

std::size_t found_version(PostgresPool& pool, const std::string& part) {
  const Result<std::size_t> version = version_of(pool, part);
  if (!version) throw FatalError(version.error().message);
  return *version;
}

Result<void> migrate(PostgresConnection& connection, const std::string& part,
                     std::span<const std::string> migrations) {
  // One at a time, in any of the parts. The number is penstock's own: its name's first letters.
  if (auto locked = connection.run("SELECT pg_advisory_xact_lock(x'50454E53'::bigint)"); !locked)
    return pass_on(locked.error());
  // CREATE SCHEMA IF NOT EXISTS asks for the right to make one even if it is there.
  const auto has_schema = connection.run("SELECT to_regnamespace('penstock') IS NOT NULL");
  if (!has_schema) return pass_on(has_schema.error());
  if (!has_schema->boolean(0, 0)) {
    if (auto made = connection.run("CREATE SCHEMA penstock"); !made) return pass_on(made.error());
  }
  if (auto made = connection.run(table_of_versions()); !made) return pass_on(made.error());
  // Asked again under the lock: another process may have been faster.
  Result<std::size_t> version = version_of(connection, part);
  if (!version) return pass_on(version.error());
  if (*version >= migrations.size()) return {};
  for (const std::string& migration : migrations.subspan(*version))
    if (auto done = connection.run(migration); !done) return pass_on(done.error());
  const auto marked = connection.run(
      "INSERT INTO penstock.schema VALUES ($1, $2::integer) "
      "ON CONFLICT (part) DO UPDATE SET version = excluded.version",
      {{part, std::to_string(migrations.size())}, {}});
  if (!marked) return pass_on(marked.error());
  return {};
}

}  // namespace

void bring_to_current_schema(PostgresPool& pool, const std::string& part,
                             std::span<const std::string> migrations) {
  const std::size_t version = found_version(pool, part);
  require_known(pool, part, version, migrations.size());
  if (version == migrations.size()) return;
  const Result<void> done = pool.transact(
      [&](PostgresConnection& connection) { return migrate(connection, part, migrations); });
  if (!done) throw FatalError(done.error().message);
}

void require_current_schema(PostgresPool& pool, const std::string& part, std::size_t version) {
  const std::size_t found = found_version(pool, part);
  require_known(pool, part, found, version);
  if (found == 0)
    throw FatalError(pool.name() + ": holds no " + part + "; penstock backfill makes them");
  if (found < version)
    throw FatalError(pool.name() +
                     ": written by an older penstock; penstock backfill brings it up to date");
}

}  // namespace penstock
