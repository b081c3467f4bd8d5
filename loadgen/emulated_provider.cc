#include "loadgen/emulated_provider.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "loadgen/provider_client.h"
#include "loadgen/provider_use.h"

namespace penstock {
namespace {

std::string key_and_limits(const ProviderPlan& plan, std::uint32_t key) {
  return fmt::format("{}:{}:{}", provider_key_name(key), plan.requests_per_minute,
                     plan.tokens_per_minute);
}

// Each key's secret is its name. Returns the path.
std::string write_keys(const ProviderPlan& plan, const std::string& path) {
  std::ofstream file(path);
  // A file of keys that others can read is warned of, whatever it has.
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  for (std::uint32_t key = 1; key <= plan.keys; ++key)
    file << provider_key_name(key) << '=' << provider_key_name(key) << '\n';
  return path;
}

std::vector<std::string> command_of(const ProviderPlan& plan, std::uint64_t seed,
                                    const std::string& program) {
  std::vector<std::string> command = {program,    "emulate",     "openai", "--json",
                                      "--listen", "127.0.0.1:0", "--seed", std::to_string(seed)};
  if (!plan.latency.empty()) command.insert(command.end(), {"--latency", plan.latency});
  if (plan.faults > 0) command.insert(command.end(), {"--faults", fmt::format("{}", plan.faults)});
  for (std::uint32_t key = 1; key <= plan.keys; ++key)
    command.insert(command.end(), {"--key", key_and_limits(plan, key)});
  return command;
}

std::string root_of(std::string url) {
  if (url.ends_with("/v1")) url.resize(url.size() - 3);
  return url;
}

}  // namespace

EmulatedProvider::EmulatedProvider(const ProviderPlan& plan, std::uint64_t seed,
                                   const std::string& program, const RunFolder& folder)
    : plan_(plan),
      keys_file_(write_keys(plan, folder.file("provider.keys"))),
      process_(command_of(plan, seed, program), {}, folder.file("provider.log")),
      url_(root_of(process_.url())) {}

std::vector<std::string> EmulatedProvider::arguments() const {
  std::vector<std::string> arguments = client_of(plan_, url_ + "/v1").arguments;
  arguments.insert(arguments.end(), {"--keys-file", keys_file_});
  return arguments;
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
