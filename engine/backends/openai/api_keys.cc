#include "engine/backends/openai/api_keys.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string_view>

#include "engine/core/error.h"

namespace penstock {
namespace {

using Secrets = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view default_name = "default";

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string variable_of(std::string_view name) {
  std::string variable = "PENSTOCK_API_KEY_";
  for (const char c : name) {
    if (c >= 'a' && c <= 'z') {
      variable += static_cast<char>(c - 'a' + 'A');
    } else {
      variable += c == '-' || c == '.' ? '_' : c;
    }
  }
  return variable;
}

double parse_limit(std::string_view text, const std::string& name) {
  if (text.empty()) return 0;
  double limit = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, limit, std::chars_format::fixed);
  constexpr double per_minute_max = 60e9;
  if (error != std::errc{} || at != end || !(limit >= 0 && limit <= per_minute_max))
    throw FatalError("API key " + name +
                     ": a limit is not a number; a key is NAME:REQUESTS:TOKENS, both per minute");
  return limit;
}

ApiKey parse_spec(std::string_view spec) {
  const std::size_t name_end = std::min(spec.find(':'), spec.size());
  const std::string_view name = spec.substr(0, name_end);
  // Whoever puts the secret here is told so, but not shown it again.
  if (name.starts_with("sk-") || name.size() > 64 || !is_name(name))
    throw FatalError(
        "an API key is named, such as team-a:3000:1000000, with letters, digits, '-', '_' and '.'; "
        "its secret is in the environment or in a file");
  ApiKey key;
  key.name = name;
  std::string_view limits = spec.substr(name_end);
  if (limits.empty()) return key;
  limits.remove_prefix(1);
  const std::size_t requests_end = std::min(limits.find(':'), limits.size());
  key.requests_per_minute = parse_limit(limits.substr(0, requests_end), key.name);
  if (requests_end < limits.size())
    key.tokens_per_minute = parse_limit(limits.substr(requests_end + 1), key.name);
  return key;
}

void check_distinct(const std::vector<ApiKey>& keys) {
  std::map<std::string, std::string> name_of;
  for (const ApiKey& key : keys) {
    const auto [other, is_new] = name_of.emplace(variable_of(key.name), key.name);
    if (is_new) continue;
    if (other->second == key.name) throw FatalError("API key " + key.name + " is given twice");
    throw FatalError("API keys " + other->second + " and " + key.name + " would share " +
                     other->first + ": rename one");
  }
}

void check_secret(std::string_view secret, const std::string& where) {
  if (!std::ranges::all_of(secret, [](char c) { return c > ' ' && c < 0x7F; }))
    throw FatalError(where + ": a secret is visible ASCII without spaces");
}

std::string read_all(const std::string& path) {
  constexpr std::size_t bytes_max = 1 << 20;
  std::ifstream in(path, std::ios::binary);
  std::string text(bytes_max, '\0');
  if (!in) throw FatalError(path + ": cannot be opened; it is to hold API keys, NAME=SECRET");
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw FatalError(path + ": cannot be read; it is to hold API keys, NAME=SECRET");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() == bytes_max) throw FatalError(path + ": too long to be a file of API keys");
  return text;
}

struct Line {
  std::string where;
  std::string_view text;
};

std::vector<Line> lines_of(std::string_view text, const std::string& path) {
  std::vector<Line> lines;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    lines.push_back({path + ':' + std::to_string(number), line});
  }
  return lines;
}

// A secret may end with '=' itself, where it is base64.
bool is_bare(std::string_view line) {
  return line.find('=') == std::string_view::npos ||
         line.find_first_not_of('=', line.find('=')) == std::string_view::npos;
}

Secrets read_secrets(const std::string& path) {
  const std::string text = read_all(path);
  const std::vector<Line> lines = lines_of(text, path);
  Secrets secrets;
  if (lines.size() == 1 && is_bare(lines[0].text)) {
    check_secret(lines[0].text, lines[0].where);
    secrets.emplace(default_name, lines[0].text);
    return secrets;
  }
  for (const auto& [where, line] : lines) {
    const std::size_t equals = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || !is_name(name))
      throw FatalError(where + ": not NAME=SECRET");
    const std::string_view secret = trimmed(line.substr(equals + 1));
    if (secret.empty()) throw FatalError(where + ": no secret behind the name");
    check_secret(secret, where);
    if (!secrets.emplace(name, secret).second)
      throw FatalError(where + ": a key of this name stands above");
  }
  return secrets;
}

std::optional<std::string> secret_in_environment(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr) return std::nullopt;
  const std::string_view secret = trimmed(value);
  if (secret.empty()) return std::nullopt;
  check_secret(secret, variable);
  return std::string(secret);
}

Secret secret_of(const std::string& name, const Secrets& secrets) {
  if (const auto found = secrets.find(name); found != secrets.end()) return Secret(found->second);
  std::vector<std::string> variables = {variable_of(name)};
  if (name == default_name) {
    variables.emplace_back("PENSTOCK_API_KEY");
    variables.emplace_back("OPENAI_API_KEY");
  }
  for (const std::string& variable : variables)
    if (auto secret = secret_in_environment(variable)) return Secret(std::move(*secret));
  if (name == default_name) return {};
  throw FatalError("API key " + name + " has no secret: set " + variables.front() +
                   " or give --keys-file with a line " + name + "=SECRET");
}

std::optional<std::string> warning_about(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if ((status.st_mode & (S_IRGRP | S_IROTH)) == 0) return std::nullopt;
  return path + " holds API keys and can be read by others: chmod 600 " + path;
}

}  // namespace

ApiKeys load_api_keys(const std::vector<std::string>& specs,
                      const std::optional<std::string>& file) {
  ApiKeys loaded;
  for (const std::string& spec : specs) loaded.keys.push_back(parse_spec(spec));
  if (loaded.keys.empty()) loaded.keys.push_back({std::string(default_name), 0, 0, {}});
  check_distinct(loaded.keys);
  Secrets secrets;
  if (file) {
    secrets = read_secrets(*file);
    loaded.warning = warning_about(*file);
  }
  for (ApiKey& key : loaded.keys) key.secret = secret_of(key.name, secrets);
  return loaded;
}

}  // namespace penstock
