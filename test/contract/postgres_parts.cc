#include "test/contract/postgres_parts.h"

#include <map>
#include <optional>
#include <span>

#include "test/support/catch.h"

namespace penstock {

std::unique_ptr<TestDatabase> fresh_database(const char* variable) {
  const std::optional<std::string> url = test_postgres_url(variable);
  if (!url) return nullptr;
  const auto direct_url = variable == pooled ? test_postgres_url(direct) : url;
  if (!direct_url) return nullptr;
  return std::make_unique<TestDatabase>(*url, *direct_url);
}

TestDatabase* cleared_database(const char* variable) {
  // libpqxx makes statics of its own with its first query: inside the initializer, so that they
  // outlive this one.
  static std::map<std::string, std::unique_ptr<TestDatabase>> databases = [&] {
    std::map<std::string, std::unique_ptr<TestDatabase>> made;
    made[variable] = fresh_database(variable);
    return made;
  }();
  std::unique_ptr<TestDatabase>& database = databases[variable];
  if (!database) database = fresh_database(variable);
  if (database) database->clear();
  return database.get();
}

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const FatalError& error) {
    return error.what();
  }
  return "no error";
}

VersionId version(std::string_view content) {
  return VersionId::of(content, "test");
}

DocumentRecord done(const std::string& key, const VersionId& id) {
  DocumentRecord record;
  record.claim = {key, key, {}, {1, 0, 0}};
  record.outcome = Outcome::done;
  record.current = CurrentVersion{id, 1, 1, 1};
  return record;
}

std::vector<float> unit(std::size_t dimensions, std::size_t axis) {
  std::vector<float> vector(dimensions);
  vector[axis] = 1;
  return vector;
}

void upsert(VectorStore& store, const std::string& key, const std::vector<float>& vector) {
  Chunk chunk;
  chunk.text = "text";
  const std::vector<VersionChunks> versions = {
      {key, version(key), std::span(&chunk, 1), std::span(vector)}};
  const auto stored = store.upsert(versions);
  INFO((stored ? "" : stored.error().message));
  REQUIRE(stored.has_value());
}

std::string stored_text(PostgresPool& pool, const std::string& sql) {
  const auto rows = pool.run(sql);
  REQUIRE(rows.has_value());
  REQUIRE(rows->size() == 1);
  return std::string(rows->text(0, 0));
}

}  // namespace penstock
