#include "loadgen/provider_client.h"

#include <fmt/format.h>

#include "loadgen/provider_use.h"

namespace penstock {

ProviderClient client_of(const ProviderPlan& plan, const std::string& url) {
  ProviderClient client;
  client.arguments = {"--embedder", "openai:" + url};
  for (std::uint32_t key = 1; key <= plan.keys; ++key) {
    const std::string name = provider_key_name(key);
    client.arguments.insert(
        client.arguments.end(),
        {"--key", fmt::format("{}:{}:{}", name, plan.requests_per_minute, plan.tokens_per_minute)});
    client.environment.push_back(fmt::format("PENSTOCK_API_KEY_KEY{}={}", key, name));
  }
  return client;
}

}  // namespace penstock
