// Who may ask, and for what. A key is psk_ID_SECRET; the file holds the SHA-256 of the secret,
// which has 256 random bits, so that nothing slower is needed to keep it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "engine/core/clock.h"
#include "engine/core/sha256.h"
#include "engine/service/routes.h"

namespace penstock {

struct ClientKey {
  std::string id;      // shown, logged, the name of its limits
  std::string tenant;  // letters, digits, '-', '_' and '.'; not beginning with '.'
  std::set<Scope> scopes;
  std::uint64_t requests_per_minute = 0;  // 0: as many as it likes
  std::uint64_t document_bytes = 0;       // of each upload, at most; 0: the service's limit
  std::string created;                    // a date, for a person
  Sha256 digest{};                        // of its secret
};

bool is_tenant(std::string_view name);
std::optional<Scope> scope_named(std::string_view name);

// The keys of a file, by id. Both throw FatalError, which names the file and what is wrong with it.
// Written, it is whole or as it was, and its owner's only.
using ClientKeys = std::map<std::string, ClientKey, std::less<>>;
ClientKeys read_client_keys(const std::string& path);
void write_client_keys(const std::string& path, const ClientKeys& keys);

// A new key's id and digest, into `key`; returns what its user has to keep, which nobody can tell
// again.
std::string make_client_key(ClientKey& key);

// The keys of a file as it is now: a key that was removed there is of no use within a second.
class KeyRing {
 public:
  // `complain` is told why a file that changed cannot be read: what was read before stays in force.
  // Throws FatalError if it cannot be read now.
  KeyRing(std::string path, std::function<void(const std::string&)> complain);

  // The key that was presented; absent: it is none. Takes the same time for every secret. Any
  // thread.
  std::optional<ClientKey> find(std::string_view presented, TimePoint now);
  // Whether the key with this id is still one. Any thread.
  bool has(std::string_view id, TimePoint now);

 private:
  void look_again(TimePoint now);

  const std::string path_;
  const std::function<void(const std::string&)> complain_;
  std::mutex mutex_;
  // Guarded by mutex_.
  ClientKeys keys_;
  std::filesystem::file_time_type modified_;
  TimePoint looked_at_;
};

}  // namespace penstock
