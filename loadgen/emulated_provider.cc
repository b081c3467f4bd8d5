#include "loadgen/emulated_provider.h"

#include <fmt/format.h>

#include "loadgen/provider_use.h"

namespace penstock {
namespace {

std::vector<std::string> command_of(const ProviderPlan& plan, std::uint64_t seed,
                                    const std::string& program) {
  std::vector<std::string> command = {program,    "emulate",     "openai", "--json",
                                      "--listen", "127.0.0.1:0", "--seed", std::to_string(seed)};
  if (!plan.latency.empty()) command.insert(command.end(), {"--latency", plan.latency});
  if (plan.faults > 0) command.insert(command.end(), {"--faults", fmt::format("{}", plan.faults)});
  for (std::uint32_t key = 1; key <= plan.keys; ++key)
    command.insert(command.end(),
                   {"--key", fmt::format("{}:{}:{}", provider_key_name(key),
                                         plan.requests_per_minute, plan.tokens_per_minute)});
  return command;
}

std::string root_of(std::string url) {
  if (url.ends_with("/v1")) url.resize(url.size() - 3);
  return url;
}

}  // namespace

EmulatedProvider::EmulatedProvider(const ProviderPlan& plan, std::uint64_t seed,
                                   const std::string& program, const std::string& log)
    : plan_(plan),
      process_(command_of(plan, seed, program), {}, log),
      url_(root_of(process_.url())) {}

std::vector<std::string> EmulatedProvider::arguments() const {
  std::vector<std::string> arguments = {"--embedder", "openai:" + url_ + "/v1"};
  for (std::uint32_t key = 1; key <= plan_.keys; ++key)
    arguments.insert(arguments.end(),
                     {"--key", fmt::format("{}:{}:{}", provider_key_name(key),
                                           plan_.requests_per_minute, plan_.tokens_per_minute)});
  return arguments;
}

std::vector<std::string> EmulatedProvider::environment() const {
  std::vector<std::string> environment;
  for (std::uint32_t key = 1; key <= plan_.keys; ++key)
    environment.push_back(fmt::format("PENSTOCK_API_KEY_KEY{}={}", key, provider_key_name(key)));
  return environment;
}

std::string EmulatedProvider::description() const {
  return fmt::format(", emulated provider with {} key{}", plan_.keys, plan_.keys == 1 ? "" : "s");
}

Result<void> EmulatedProvider::reset() {
  return reset_provider(url_);
}

Result<std::vector<KeyRecord>> EmulatedProvider::use() {
  return provider_use(url_, plan_);
}

}  // namespace penstock
