// One session with Postgres, through libpqxx; binary COPY, which libpqxx has not, through libpq on
// the same session. What differs between libpqxx 6 (Debian 12) and 7 (Debian 13) is in the .cc.
//
// A pooler in transaction mode, such as PgBouncer, may give every transaction another server
// process. So nothing is left in a session: no prepared statement, no setting but SET LOCAL, no
// lock but a transaction's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/postgres/postgres_url.h"
#include "engine/core/error.h"

namespace pqxx {
class result;
}

namespace penstock {

// Rows and columns count from 0. A view lives as long as this object.
class PostgresRows {
 public:
  explicit PostgresRows(const pqxx::result& result);
  PostgresRows(PostgresRows&&) noexcept;
  PostgresRows& operator=(PostgresRows&&) noexcept;
  ~PostgresRows();

  std::size_t size() const;
  bool is_null(std::size_t row, int column) const;
  std::string_view text(std::size_t row, int column) const;  // empty for NULL
  std::int64_t integer(std::size_t row, int column) const;   // 0 for NULL
  std::uint64_t natural(std::size_t row, int column) const {
    return static_cast<std::uint64_t>(integer(row, column));
  }
  bool boolean(std::size_t row, int column) const { return text(row, column) == "t"; }

 private:
  std::unique_ptr<const pqxx::result> result_;
};

// $1, $2 ... are `texts` in order, in Postgres' text form and without a NUL; then `bytes`, which
// are of type bytea. Without any, a statement may be several, separated by semicolons.
struct PostgresParameters {
  std::vector<std::string> texts;
  std::vector<std::string_view> bytes;
};

// One thread at a time. Errors name the database; what may succeed on another connection is
// retryable.
class PostgresConnection {
 public:
  // Retryable: the server has no room at the moment, or is just starting. Permanent: somebody must
  // do something, which the message says.
  static Result<std::unique_ptr<PostgresConnection>> open(const PostgresUrl& url);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Inside begin() and commit() or roll_back(), part of that transaction; else one by itself.
  Result<PostgresRows> run(const std::string& sql, const PostgresParameters& parameters = {});
  Result<void> begin();
  // After a retryable error it may have been committed.
  Result<void> commit();
  void roll_back();

  // COPY ... FROM STDIN (FORMAT binary): `next` appends rows in that format, as many as it likes,
  // and returns false once there are no more.
  Result<void> copy_in(const std::string& sql, const std::function<bool(std::string&)>& next);

  // Nothing more can be done with it.
  bool is_broken() const;

 private:
  struct Session;

  explicit PostgresConnection(std::unique_ptr<Session> session);

  std::unique_ptr<Session> session_;
};

}  // namespace penstock
