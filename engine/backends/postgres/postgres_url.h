// Which Postgres: postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=..., as libpq reads it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace penstock {

class PostgresUrl {
 public:
  // Throws FatalError, which does not repeat the URL: it may hold a password.
  explicit PostgresUrl(const std::string& url);

  // HOST:PORT/DATABASE, for messages.
  const std::string& name() const { return name_; }
  // libpq's keywords and values, the password among them.
  const std::vector<std::pair<std::string, std::string>>& settings() const { return settings_; }

 private:
  std::string name_;
  std::vector<std::pair<std::string, std::string>> settings_;
};

}  // namespace penstock
