#include "engine/service/client_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>

#include "engine/backends/local/local_files.h"
#include "engine/core/error.h"
#include "engine/http/json.h"

namespace penstock {
namespace {

constexpr std::string_view prefix = "psk_";
constexpr std::size_t id_bytes = 6;
constexpr std::size_t secret_bytes = 32;
constexpr std::chrono::seconds look_again_after{1};

std::string random_hex(std::size_t bytes) {
  std::string random(bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(bytes)) != 1)
    throw FatalError("the system gives no random numbers");
  return to_hex(random);
}

Sha256 digest_of(const std::string& hex) {
  Sha256 digest{};
  if (hex.size() != 2 * digest.size()) throw FatalError("a sha256 is not 64 hexadecimal digits");
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  return digest;
}

ClientKey key_from(const Json& object) {
  ClientKey key;
  key.id = object.at("id").get<std::string>();
  key.tenant = object.at("tenant").get<std::string>();
  if (!is_tenant(key.tenant)) throw FatalError("a tenant is no name");
  for (const Json& name : object.at("scopes")) {
    const auto scope = scope_named(name.get<std::string>());
    if (!scope) throw FatalError("there is no scope " + name.dump());
    key.scopes.insert(*scope);
  }
  key.requests_per_minute = object.value("requests_per_minute", std::uint64_t{0});
  key.document_bytes = object.value("document_bytes", std::uint64_t{0});
  key.created = object.value("created", "");
  key.digest = digest_of(object.at("sha256").get<std::string>());
  return key;
}

Json json_of(const ClientKey& key) {
  Json object = {{"id", key.id}, {"tenant", key.tenant}, {"scopes", Json::array()}};
  for (const Scope scope : key.scopes) object["scopes"].push_back(name_of(scope));
  if (key.requests_per_minute > 0) object["requests_per_minute"] = key.requests_per_minute;
  if (key.document_bytes > 0) object["document_bytes"] = key.document_bytes;
  object["created"] = key.created;
  object["sha256"] = to_hex(key.digest);
  return object;
}

}  // namespace

bool is_tenant(std::string_view name) {
  constexpr std::size_t bytes_max = 64;
  return !name.empty() && name.size() <= bytes_max && name[0] != '.' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

std::optional<Scope> scope_named(std::string_view name) {
  for (const Scope scope : {Scope::upload, Scope::read, Scope::admin, Scope::metrics})
    if (name == name_of(scope)) return scope;
  return std::nullopt;
}

ClientKeys read_client_keys(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw FatalError(path + ": cannot be read; penstock keys add makes it");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ClientKeys keys;
  try {
    const Json document = Json::parse(text);
    for (const Json& object : document.at("keys")) {
      ClientKey key = key_from(object);
      std::string id = key.id;
      keys.emplace(std::move(id), std::move(key));
    }
  } catch (const std::exception& error) {
    throw FatalError(path + ": no file of API keys (" + error.what() + ")");
  }
  return keys;
}

void write_client_keys(const std::string& path, const ClientKeys& keys) {
  Json document = {{"keys", Json::array()}};
  for (const auto& [id, key] : keys) document["keys"].push_back(json_of(key));
  const auto written = LocalFiles().write(path, document.dump(2) + "\n");
  if (!written) throw FatalError(path + ": " + written.error().message);
  std::error_code error;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
  if (error) throw FatalError(path + ": its permissions cannot be set (" + error.message() + ")");
}

std::string make_client_key(ClientKey& key) {
  key.id = random_hex(id_bytes);
  const std::string secret = random_hex(secret_bytes);
  key.digest = sha256(secret);
  return std::string(prefix) + key.id + "_" + secret;
}

KeyRing::KeyRing(std::string path, std::function<void(const std::string&)> complain)
    : path_(std::move(path)),
      complain_(std::move(complain)),
      keys_(read_client_keys(path_)),
      modified_(std::filesystem::last_write_time(path_)) {}

std::optional<ClientKey> KeyRing::find(std::string_view presented, TimePoint now) {
  if (!presented.starts_with(prefix)) return std::nullopt;
  presented.remove_prefix(prefix.size());
  const std::size_t underscore = std::min(presented.find('_'), presented.size());
  const std::string_view id = presented.substr(0, underscore);
  const std::string_view secret = presented.substr(std::min(underscore + 1, presented.size()));
  const Sha256 digest = sha256(secret);

  const std::lock_guard lock(mutex_);
  look_again(now);
  const auto found = keys_.find(id);
  if (found == keys_.end()) return std::nullopt;
  if (CRYPTO_memcmp(digest.data(), found->second.digest.data(), digest.size()) != 0)
    return std::nullopt;
  return found->second;
}

bool KeyRing::has(std::string_view id, TimePoint now) {
  const std::lock_guard lock(mutex_);
  look_again(now);
  return keys_.contains(id);
}

void KeyRing::look_again(TimePoint now) {
  if (now - looked_at_ < look_again_after) return;
  looked_at_ = now;
  std::error_code error;
  const auto modified = std::filesystem::last_write_time(path_, error);
  if (!error && modified == modified_) return;
  try {
    keys_ = read_client_keys(path_);
    modified_ = modified;
  } catch (const FatalError& failure) {
    complain_(failure.what());
  }
}

}  // namespace penstock
