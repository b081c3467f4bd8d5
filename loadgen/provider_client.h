// How a program of ours is told to embed with an emulated provider.
#pragma once

#include <string>
#include <vector>

#include "loadgen/profile.h"

namespace penstock {

struct ProviderClient {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=VALUE: its keys' secrets
};

// `url`: with its /v1.
ProviderClient client_of(const ProviderPlan& plan, const std::string& url);

}  // namespace penstock
