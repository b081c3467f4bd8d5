#include "engine/backends/postgres/postgres_connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <pqxx/pqxx>

namespace penstock {
namespace {

// ON CONFLICT, incremental sorts and a rewound COPY are older; 13 is the oldest that is tested.
constexpr int server_version_min = 130000;

#if PQXX_VERSION_MAJOR >= 7

class PqxxConnection : public pqxx::connection {
 public:
  explicit PqxxConnection(PGconn* handle)
      : pqxx::connection(pqxx::connection::seize_raw_connection(handle)) {
    set_notice_handler([](pqxx::zview) noexcept {});
  }
};

pqxx::result execute(pqxx::transaction_base& transaction, const std::string& sql,
                     const PostgresParameters& parameters) {
  pqxx::params values;
  for (const std::string& text : parameters.texts) values.append(text);
  for (const std::string_view bytes : parameters.bytes)
    values.append(pqxx::bytes_view(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()));
  return transaction.exec(sql, values);
}

#else

// Hands libpqxx a connection that is made already, and never another one: it would reconnect by
// itself.
class MadeConnection final : public pqxx::connectionpolicy {
 public:
  explicit MadeConnection(PGconn* made) : pqxx::connectionpolicy(""), made_(made) {}
  handle do_startconnect(handle current) override {
    if (current != nullptr) return current;
    if (made_ == nullptr) throw pqxx::broken_connection("the connection is gone");
    return std::exchange(made_, nullptr);
  }

 private:
  PGconn* made_;
};

// A base, since the connection refers to it from its constructor on.
struct HasMadeConnection {
  MadeConnection policy;
};

class PqxxConnection final : private HasMadeConnection, public pqxx::connection_base {
 public:
  explicit PqxxConnection(PGconn* made)
      : HasMadeConnection{MadeConnection(made)}, pqxx::connection_base(policy) {
    init();
    quiet_.emplace(*this);
  }
  ~PqxxConnection() {
    quiet_.reset();
    close();
  }

 private:
  std::optional<pqxx::quiet_errorhandler> quiet_;
};

pqxx::result execute(pqxx::transaction_base& transaction, const std::string& sql,
                     const PostgresParameters& parameters) {
  std::vector<pqxx::binarystring> bytes;
  for (const std::string_view each : parameters.bytes) bytes.emplace_back(each.data(), each.size());
  return transaction.exec_params(sql, pqxx::prepare::make_dynamic_params(parameters.texts),
                                 pqxx::prepare::make_dynamic_params(bytes));
}

#endif

// Of a message of several lines the first, without what the server and libpq put before it.
std::string first_line(std::string_view message) {
  message = message.substr(0, message.find('\n'));
  for (const std::string_view prefix : {"FATAL:  ", "ERROR:  "})
    if (const auto at = message.find(prefix); at != std::string_view::npos)
      message.remove_prefix(at + prefix.size());
  return std::string(message);
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(
      parts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

// A connection that is refused has no SQLSTATE in libpq, only words.
tl::unexpected<Error> refused(const PostgresUrl& url, PGconn* handle) {
  std::string_view message = PQerrorMessage(handle);
  // "connection to server at "127.0.0.1", port 5432 failed: " says what the name says.
  constexpr std::string_view failed = " failed: ";
  if (const auto at = message.find(failed); at != std::string_view::npos)
    message.remove_prefix(at + failed.size());
  const std::string reason = url.name() + ": " + first_line(message);
  if (has_any(message, {"too many clients", "connection slots", "max_client_conn", "starting up",
                        "shutting down", "recovery mode", "not yet accepting", "server_login_retry",
                        "connection limit exceeded", "too many connections"}))
    return retryable_error(reason + "; run the same command again later");
  if (has_any(message, {"authentication failed", "no password supplied"}))
    return permanent_error(reason + "; check the user and the password in the URL");
  if (has_any(message, {"does not exist"}))
    return permanent_error(reason + "; create it, or change the URL");
  if (has_any(message, {"pg_hba.conf", "SSL", "certificate"}))
    return permanent_error(reason + "; check sslmode in the URL, and what the server admits");
  return permanent_error(reason + "; check that the server runs and can be reached");
}

// SQLSTATEs that say nothing about the statement: lost connections (08), no room (53), a server
// that stops or starts (57P), another transaction in the way (40, 55P03), a time limit (57014), and
// a primary that has become a standby (25006).
bool is_passing(std::string_view state) {
  return state.starts_with("08") || state.starts_with("53") || state.starts_with("57P") ||
         state.starts_with("40") || state == "55P03" || state == "57014" || state == "25006" ||
         state == "25P03";
}

// libpqxx 6 leaves it out of some of its classes of errors.
std::string_view state_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate();
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) return "42501";
  if (dynamic_cast<const pqxx::disk_full*>(&error) != nullptr) return "53100";
  if (dynamic_cast<const pqxx::insufficient_resources*>(&error) != nullptr) return "53000";
  return "";
}

std::string advice(std::string_view state) {
  if (state == "53100") return "; its disk is full: free space and run the same command again";
  if (state == "42501") return "; grant it to the user in the URL";
  return "";
}

}  // namespace

PostgresRows::PostgresRows(const pqxx::result& result)
    : result_(std::make_unique<const pqxx::result>(result)) {}
PostgresRows::PostgresRows(PostgresRows&&) noexcept = default;
PostgresRows& PostgresRows::operator=(PostgresRows&&) noexcept = default;
PostgresRows::~PostgresRows() = default;

std::size_t PostgresRows::size() const {
  return static_cast<std::size_t>(result_->size());
}

bool PostgresRows::is_null(std::size_t row, int column) const {
  return (*result_)[static_cast<pqxx::result::size_type>(row)][column].is_null();
}

std::string_view PostgresRows::text(std::size_t row, int column) const {
  const auto field = (*result_)[static_cast<pqxx::result::size_type>(row)][column];
  return {field.c_str(), field.size()};
}

std::int64_t PostgresRows::integer(std::size_t row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

struct PostgresConnection::Session {
  Session(const PostgresUrl& url, PGconn* connected)
      : name(url.name()), handle(connected), connection(connected) {}

  // What act() met, if it is one of libpqxx's errors.
  template <typename Act>
  Result<void> guarded(const Act& act) {
    try {
      act();
      return {};
    } catch (const pqxx::sql_error& error) {
      return error_of(state_of(error), error.what());
    } catch (const pqxx::failure& error) {
      // Lost, or in doubt, or rolled back for another transaction's sake.
      return retryable_error(name + ": " + first_line(error.what()));
    } catch (const std::exception& error) {
      return error_of("", error.what());
    }
  }

  tl::unexpected<Error> error_of(std::string_view state, std::string_view message) const {
    std::string line = name + ": " + first_line(message) + advice(state);
    if (is_passing(state) || PQstatus(handle) != CONNECTION_OK)
      return retryable_error(std::move(line));
    return permanent_error(std::move(line));
  }

  tl::unexpected<Error> error_of(const PGresult* result) const {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return error_of(state == nullptr ? "" : state, PQerrorMessage(handle));
  }

  const std::string name;
  PGconn* const handle;  // owned by connection
  PqxxConnection connection;
  std::optional<pqxx::work> transaction;
};

PostgresConnection::PostgresConnection(std::unique_ptr<Session> session)
    : session_(std::move(session)) {}

PostgresConnection::~PostgresConnection() = default;

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresUrl& url) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : url.settings()) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<PGconn, decltype(&PQfinish)> handle(
      PQconnectdbParams(keywords.data(), values.data(), 0), &PQfinish);
  if (!handle || PQstatus(handle.get()) != CONNECTION_OK) return refused(url, handle.get());

  const char* encoding = PQparameterStatus(handle.get(), "server_encoding");
  if (encoding != nullptr && encoding != std::string_view("UTF8"))
    return permanent_error(url.name() + ": its encoding is " + encoding +
                           "; create a database with ENCODING 'UTF8'");
  if (PQserverVersion(handle.get()) < server_version_min)
    return permanent_error(url.name() + ": Postgres " +
                           std::to_string(PQserverVersion(handle.get()) / 10000) +
                           " is too old; use 13 or newer");
  try {
    return std::unique_ptr<PostgresConnection>(
        new PostgresConnection(std::make_unique<Session>(url, handle.release())));
  } catch (const std::exception& error) {
    return retryable_error(url.name() + ": " + first_line(error.what()));
  }
}

Result<PostgresRows> PostgresConnection::run(const std::string& sql,
                                             const PostgresParameters& parameters) {
  std::optional<PostgresRows> rows;
  const auto execute_in = [&](pqxx::transaction_base& transaction) {
    rows.emplace(parameters.texts.empty() && parameters.bytes.empty()
                     ? transaction.exec(sql)
                     : execute(transaction, sql, parameters));
  };
  const Result<void> done = session_->guarded([&] {
    if (session_->transaction) {
      execute_in(*session_->transaction);
    } else {
      pqxx::nontransaction alone(session_->connection);
      execute_in(alone);
      alone.commit();
    }
  });
  if (!done) return pass_on(done.error());
  return std::move(*rows);
}

Result<void> PostgresConnection::begin() {
  return session_->guarded([&] { session_->transaction.emplace(session_->connection); });
}

Result<void> PostgresConnection::commit() {
  Result<void> done = session_->guarded([&] { session_->transaction->commit(); });
  session_->transaction.reset();
  return done;
}

void PostgresConnection::roll_back() {
  session_->transaction.reset();
}

Result<void> PostgresConnection::copy_in(const std::string& sql,
                                         const std::function<bool(std::string&)>& next) {
  using PgResult = std::unique_ptr<PGresult, decltype(&PQclear)>;
  PGconn* handle = session_->handle;
  const PgResult begun(PQexec(handle, sql.c_str()), &PQclear);
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN) return session_->error_of(begun.get());

  // The format's signature, no flags, no extension; at the end, a row of -1 columns.
  std::string data("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
  const auto put = [&] {
    const bool sent = PQputCopyData(handle, data.data(), static_cast<int>(data.size())) == 1;
    data.clear();
    return sent;
  };
  bool is_sent = true;
  while (is_sent && next(data)) is_sent = put();
  if (is_sent) {
    data.append("\377\377", 2);
    is_sent = put() && PQputCopyEnd(handle, nullptr) == 1;
  }
  if (!is_sent) return session_->error_of("", PQerrorMessage(handle));

  Result<void> done;
  for (;;) {
    const PgResult result(PQgetResult(handle), &PQclear);
    if (!result) return done;
    if (done && PQresultStatus(result.get()) != PGRES_COMMAND_OK)
      done = session_->error_of(result.get());
  }
}

bool PostgresConnection::is_broken() const {
  return PQstatus(session_->handle) != CONNECTION_OK ||
         PQtransactionStatus(session_->handle) != PQTRANS_IDLE;
}

}  // namespace penstock
