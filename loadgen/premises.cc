#include "loadgen/premises.h"

#include <sys/resource.h>

#include <charconv>

namespace penstock {
namespace {

constexpr int system_niceness = 5;

}  // namespace

std::vector<std::string> StorePlace::environment() const {
  return {"PENSTOCK_STORE=" + store, "PENSTOCK_LEDGER=" + ledger, "PENSTOCK_VECTORS=" + vectors};
}

Premises::Premises(const Profile& profile, const std::string& program_path, bool keep)
    : program(program_path), is_kept(keep), folder("penstock-capacity-", keep) {
  if (profile.provider) provider.emplace(*profile.provider, profile.seed, program, folder);
}

std::string Premises::description() const {
  return (provider ? provider->description() : std::string()) +
         (is_kept ? ", kept in " + folder.path() : std::string());
}

void let_generator_go_first(const Child& system) {
  setpriority(PRIO_PROCESS, static_cast<id_t>(system.pid()), system_niceness);
}

std::optional<std::string> option_in(const std::vector<std::string>& arguments,
                                     std::initializer_list<std::string_view> names) {
  std::optional<std::string> value;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    for (const std::string_view name : names) {
      const std::string_view argument = arguments[i];
      if (argument == name && i + 1 < arguments.size()) value = arguments[i + 1];
      if (argument.starts_with(name) && argument.substr(name.size()).starts_with('='))
        value = argument.substr(name.size() + 1);
    }
  }
  return value;
}

std::uint32_t concurrency_in(const std::vector<std::string>& arguments, std::uint32_t otherwise) {
  std::uint32_t concurrency = otherwise;
  if (const auto value = option_in(arguments, {"--concurrency", "--documents-in-flight"}))
    std::from_chars(value->data(), value->data() + value->size(), concurrency);
  return concurrency;
}

}  // namespace penstock
