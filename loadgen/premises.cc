#include "loadgen/premises.h"

#include <sys/resource.h>

#include <charconv>
#include <string_view>

namespace penstock {
namespace {

constexpr int system_niceness = 5;

}  // namespace

std::vector<std::string> StorePlace::environment() const {
  return {"PENSTOCK_STORE=" + store, "PENSTOCK_LEDGER=" + ledger, "PENSTOCK_VECTORS=" + vectors};
}

Premises::Premises(const Profile& profile, const std::string& program_path, bool keep)
    : program(program_path), is_kept(keep), folder(keep) {
  if (profile.provider) provider.emplace(*profile.provider, profile.seed, program, folder);
}

std::string Premises::description() const {
  return (provider ? provider->description() : std::string()) +
         (is_kept ? ", kept in " + folder.path() : std::string());
}

void let_generator_go_first(const Child& system) {
  setpriority(PRIO_PROCESS, static_cast<id_t>(system.pid()), system_niceness);
}

std::uint32_t concurrency_in(const std::vector<std::string>& arguments, std::uint32_t otherwise) {
  std::uint32_t concurrency = otherwise;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    for (const std::string_view name : {"--concurrency", "--documents-in-flight"}) {
      std::string_view value;
      if (arguments[i] == name && i + 1 < arguments.size()) value = arguments[i + 1];
      if (arguments[i].starts_with(std::string(name) + "="))
        value = std::string_view(arguments[i]).substr(name.size() + 1);
      std::from_chars(value.data(), value.data() + value.size(), concurrency);
    }
  }
  return concurrency;
}

}  // namespace penstock
