// API keys: their names and limits, which anybody may see, and their secrets, which nobody may.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/core/secret.h"

namespace penstock {

struct ApiKey {
  std::string name;
  // 0: not known, to be learned from the service.
  double requests_per_minute = 0;
  double tokens_per_minute = 0;
  Secret secret;  // empty: the service wants none
};

struct ApiKeys {
  std::vector<ApiKey> keys;  // at least one
  // One line for the user, if the file can be read by others.
  std::optional<std::string> warning;
};

// The keys of `specs`, each NAME, NAME:RPM or NAME:RPM:TPM, where 0 or nothing is a limit that is
// not known; none at all is the key `default`. NAME's secret is the file's, else that of the
// environment variable PENSTOCK_API_KEY_NAME (capitals, '_' for '-' and '.'); for `default` also of
// PENSTOCK_API_KEY, then OPENAI_API_KEY, and it alone may have none, since local services want
// none.
//
// The file has lines NAME=SECRET, blank ones and comments (#); or it is one secret, which is that
// of `default`. Names in it that no spec has are passed over.
//
// Throws FatalError, whose message never holds a secret or what might be one, for: a malformed spec
// or line, a name that comes twice or shares its variable with another, a file that cannot be read,
// a key without a secret, a secret that is not visible ASCII (it could forge a header).
ApiKeys load_api_keys(const std::vector<std::string>& specs,
                      const std::optional<std::string>& file);

}  // namespace penstock
