// SQLite, wrapped thinly: a connection, a statement, and errors that name the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/backends/sqlite/write_turn.h"
#include "engine/core/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace penstock {

enum class OpenMode {
  read,   // the file must exist; nothing is written, and nothing is made
  write,  // made if it does not exist, brought to the current schema
};

class Statement;

// One connection; one thread at a time.
class Database {
 public:
  // Throws FatalError with what to do: not a store, a newer schema, no permission, no such folder.
  Database(std::string path, OpenMode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Statement prepare(const char* sql);
  Result<void> execute(const char* sql);
  // BEGIN IMMEDIATE, when it is this connection's turn.
  Result<void> begin_writing();

  // What the last call on this connection met, as an error for the caller to pass on.
  tl::unexpected<Error> error() const;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  sqlite3* handle_ = nullptr;
  std::optional<WriteTurn> turn_;  // absent when opened to read
};

// A prepared statement. Parameters and columns count from 1 and 0, as SQLite has it. A text or blob
// that is bound must stay alive until the statement is reset; one that is read lives until the next
// step or reset.
class Statement {
 public:
  Statement(Database& database, sqlite3_stmt* handle) : database_(database), handle_(handle) {}
  Statement(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::uint64_t value);
  Statement& bind(int parameter, std::uint32_t value);
  Statement& bind_text(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);

  // True when there is a row.
  Result<bool> step();
  // step() for statements without rows, and reset().
  Result<void> run();
  void reset();

  std::int64_t integer(int column) const;
  std::uint64_t natural(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  std::string_view bytes(int column) const;  // of a text or blob; empty for NULL
  bool is_null(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* handle_;
};

// BEGIN IMMEDIATE, work(), COMMIT; a ROLLBACK and work's or the commit's error if one fails.
template <typename Work>
Result<void> in_transaction(Database& database, const Work& work) {
  if (Result<void> begun = database.begin_writing(); !begun) return begun;
  Result<void> done = work();
  if (done) done = database.execute("COMMIT");
  // A full disk may have rolled back already; then this finds nothing to do.
  if (!done) static_cast<void>(database.execute("ROLLBACK"));
  return done;
}

}  // namespace penstock
