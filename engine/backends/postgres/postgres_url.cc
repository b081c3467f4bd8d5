#include "engine/backends/postgres/postgres_url.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "engine/core/error.h"

namespace penstock {
namespace {

// What a URL may leave out. Nobody waits for ever: not to be connected, and not for a machine that
// is gone without a word. Nothing here is more than a pooler like PgBouncer takes.
constexpr std::pair<const char*, const char*> defaults[] = {
    {"application_name", "penstock"}, {"client_encoding", "UTF8"},   {"connect_timeout", "10"},
    {"keepalives_idle", "30"},        {"keepalives_interval", "10"}, {"keepalives_count", "3"},
    {"tcp_user_timeout", "60000"},
};

}  // namespace

PostgresUrl::PostgresUrl(const std::string& url) {
  constexpr const char* form = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";
  // libpq's message would quote what it could not read.
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      url.starts_with("postgres://") || url.starts_with("postgresql://")
          ? PQconninfoParse(url.c_str(), nullptr)
          : nullptr,
      &PQconninfoFree);
  if (!options) throw FatalError(std::string("not the URL of a Postgres; write ") + form);

  const auto value_of = [this](std::string_view keyword) {
    const auto found =
        std::ranges::find(settings_, keyword, &std::pair<std::string, std::string>::first);
    return found == settings_.end() ? std::string() : found->second;
  };
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) settings_.emplace_back(option->keyword, option->val);
  for (const auto& [keyword, value] : defaults)
    if (value_of(keyword).empty()) settings_.emplace_back(keyword, value);

  const std::string host = value_of("host");
  const std::string port = value_of("port");
  const std::string database = value_of("dbname");
  if (database.empty())
    throw FatalError(std::string("the URL of the Postgres names no database; write ") + form);
  name_ =
      (host.empty() ? "localhost" : host) + ":" + (port.empty() ? "5432" : port) + "/" + database;
}

}  // namespace penstock
