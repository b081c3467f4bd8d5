// What an emulated provider's keys let through.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "loadgen/profile.h"
#include "loadgen/run_record.h"

namespace penstock {

// Of its keys, which are numbered from 1: what a client sends, and no secret.
inline std::string provider_key_name(std::uint32_t number) {
  return "key" + std::to_string(number);
}

// Begins its accounts anew. Blocks.
Result<void> reset_provider(const std::string& url);

// Since then. Blocks.
Result<std::vector<KeyRecord>> provider_use(const std::string& url, const ProviderPlan& plan);

// The most that any minute had of what each second had; of less than a minute, all of it: a quota
// lets through at once what it has for a minute, so that more seconds need not bring more.
double busiest_minute(const std::vector<std::uint64_t>& seconds);

}  // namespace penstock
