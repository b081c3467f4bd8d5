#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/json.h"
#include "engine/core/error.h"
#include "engine/service/client_keys.h"
#include "engine/service/document_view.h"
#include "reports/format.h"

namespace penstock {
namespace {

std::string scopes_of(const ClientKey& key) {
  std::string scopes;
  for (const Scope scope : key.scopes)
    scopes.append(scopes.empty() ? "" : ",").append(name_of(scope));
  return scopes;
}

Json json_of(const ClientKey& key) {
  return {{"id", key.id},
          {"tenant", key.tenant},
          {"scopes", scopes_of(key)},
          {"requests_per_minute", key.requests_per_minute},
          {"document_bytes", key.document_bytes},
          {"created", key.created}};
}

}  // namespace

int run_keys_add(const KeysAddOptions& options) {
  if (!is_tenant(options.tenant))
    throw FatalError("--tenant " + printable(options.tenant) +
                     ": a name has 1 to 64 letters, digits, -, _ and .");
  ClientKeys keys;
  if (std::filesystem::exists(options.api_keys)) keys = read_client_keys(options.api_keys);
  ClientKey key;
  key.tenant = options.tenant;
  for (const std::string& name : options.scopes) key.scopes.insert(*scope_named(name));
  if (key.scopes.empty()) key.scopes = {Scope::upload, Scope::read};
  key.requests_per_minute = options.requests_per_minute;
  key.document_bytes = options.document_bytes;
  key.created = text_of(wall_now());
  const std::string secret = make_client_key(key);
  keys.insert_or_assign(key.id, key);
  write_client_keys(options.api_keys, keys);
  if (options.json) {
    Json object = json_of(key);
    object["key"] = secret;
    print_json_line(object);
  } else {
    fmt::print("{}\n", secret);
    fmt::print(stderr, "penstock: this key of {} ({}) is not shown again\n", key.tenant,
               scopes_of(key));
  }
  return exit_done;
}

int run_keys_list(const KeysListOptions& options) {
  for (const auto& [id, key] : read_client_keys(options.api_keys)) {
    if (options.json) {
      print_json_line(json_of(key));
      continue;
    }
    fmt::print(
        "{}  {:<20}  {:<17}  {}{}{}\n", id, key.tenant, scopes_of(key), key.created,
        key.requests_per_minute == 0
            ? std::string()
            : fmt::format("  {} requests a minute", key.requests_per_minute),
        key.document_bytes == 0 ? std::string() : "  up to " + human_bytes(key.document_bytes));
  }
  return exit_done;
}

int run_keys_remove(const KeysRemoveOptions& options) {
  ClientKeys keys = read_client_keys(options.api_keys);
  if (keys.erase(options.id) == 0)
    throw FatalError(options.api_keys + ": has no key " + printable(options.id) +
                     "; penstock keys list shows those that it has");
  write_client_keys(options.api_keys, keys);
  return exit_done;
}

}  // namespace penstock
