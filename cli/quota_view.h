// What the quota does, for a person and for a machine.
#pragma once

#include <optional>
#include <string>

#include "cli/json.h"
#include "engine/stages/throttle/throttle_state.h"

namespace penstock {

// Of all keys together, in the last minute: used of what is permitted, 0 to 1. Absent if no key has
// a known limit of tokens.
std::optional<double> quota_used(const ThrottleState& state);

// "quota 99%, bound by tokens"; "the service is down, next try in 12 s".
std::string quota_words(const ThrottleState& state);

Json quota_json(const ThrottleState& state);

}  // namespace penstock
