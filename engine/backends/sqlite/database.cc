#include "engine/backends/sqlite/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "engine/backends/sqlite/schema.h"

namespace penstock {
namespace {

// How long a call waits for another connection's transaction, and how often it looks whether that
// has ended. SQLite's own pauses grow to 100 ms, in which a file stands idle; most transactions end
// within a millisecond, and only the one whose turn it is looks.
constexpr int looks_max = 10'000;
constexpr int quick_looks = 100;
constexpr std::chrono::microseconds quick_pause{50};
constexpr std::chrono::milliseconds look_pause{1};

int look_again(void*, int looks) {
  std::this_thread::sleep_for(looks < quick_looks ? quick_pause : look_pause);
  return looks < looks_max;
}

// A URI of a path, in which ? # % would mean something else.
std::string uri_of(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      constexpr const char* digits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      uri += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      uri += c;
    }
  }
  return uri;
}

std::string explain(const std::string& path, int code, const char* message) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return path +
             ": the disk is full; free space and run the same command again, nothing is lost";
    case SQLITE_IOERR:
      return path + ": the disk reports an error (" + message +
             "); see to the disk and run the same command again, nothing is lost";
    case SQLITE_READONLY:
      return path + ": cannot be written; check the permissions of the file and its folder";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return path + ": another process is writing; run the same command again";
    case SQLITE_CORRUPT:
      return path + ": the file is damaged (" + message +
             "); restore it, or remove it and backfill";
    case SQLITE_NOTADB:
      return path + ": not a penstock store; choose another --store";
    case SQLITE_CANTOPEN:
      return path + ": cannot be opened; check its permissions, and that its folder exists";
    default:
      return path + ": " + message;
  }
}

}  // namespace

Database::Database(std::string path, OpenMode mode) : path_(std::move(path)) {
  std::error_code unknown;  // whether it exists: then opening it tells why
  if (mode == OpenMode::read && !std::filesystem::exists(path_, unknown) && !unknown)
    throw FatalError(path_ + " does not exist; penstock backfill makes it");
  const int flags =
      mode == OpenMode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
  int code = sqlite3_open_v2(path_.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  // Even a reader writes the files beside a store that log and index its changes. Where it may not,
  // it can read only what has none.
  if (mode == OpenMode::read && (code != SQLITE_OK || access(path_.c_str(), W_OK) != 0 ||
                                 sqlite3_db_readonly(handle_, "main") == 1)) {
    sqlite3_close(handle_);
    const bool has_log = std::filesystem::exists(path_ + "-wal", unknown);
    const std::string uri = uri_of(path_) + (has_log ? "?mode=ro" : "?immutable=1");
    code = sqlite3_open_v2(uri.c_str(), &handle_,
                           SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  }
  try {
    if (code != SQLITE_OK) throw FatalError(explain(path_, code, sqlite3_errmsg(handle_)));
    sqlite3_busy_handler(handle_, look_again, nullptr);
    if (mode == OpenMode::write) {
      turn_.emplace(path_);
      bring_to_current_schema(*this);
    } else {
      require_current_schema(*this);
    }
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() {
  sqlite3_close(handle_);
}

Statement Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) throw FatalError(explain(path_, code, sqlite3_errmsg(handle_)));
  return {*this, statement};
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<void> Database::begin_writing() {
  if (turn_) turn_->begin();
  Result<void> begun = execute("BEGIN IMMEDIATE");
  if (turn_) turn_->end();
  return begun;
}

tl::unexpected<Error> Database::error() const {
  const int code = sqlite3_errcode(handle_);
  const int kind = code & 0xFF;
  const bool passing =
      kind == SQLITE_BUSY || kind == SQLITE_LOCKED || kind == SQLITE_FULL || kind == SQLITE_IOERR;
  return tl::unexpected<Error>(Error{passing ? ErrorKind::retryable : ErrorKind::permanent,
                                     explain(path_, code, sqlite3_errmsg(handle_))});
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(handle_, parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, std::uint64_t value) {
  return bind(parameter, static_cast<std::int64_t>(value));
}

Statement& Statement::bind(int parameter, std::uint32_t value) {
  return bind(parameter, static_cast<std::int64_t>(value));
}

Statement& Statement::bind_text(int parameter, std::string_view text) {
  // A null pointer would bind NULL.
  sqlite3_bind_text64(handle_, parameter, text.empty() ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(handle_, parameter, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  sqlite3_bind_null(handle_, parameter);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const auto error = database_.error();
  reset();
  return error;
}

Result<void> Statement::run() {
  const Result<bool> stepped = step();
  reset();
  if (!stepped) return pass_on(stepped.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

}  // namespace penstock
