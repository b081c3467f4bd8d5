#include "loadgen/environment.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#include "loadgen/sampler.h"

namespace penstock {
namespace {

// The rest of the first line of a file that begins with `key`, without what separates the two.
std::string value_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t begin = line.find_first_not_of(" \t:=\"", key.size());
    if (begin == std::string::npos) return {};
    return line.substr(begin, line.find_last_not_of('"') + 1 - begin);
  }
  return {};
}

constexpr const char* build =
#ifdef PENSTOCK_SANITIZED
    "with sanitizers";
#elif defined(NDEBUG)
    "release";
#else
    "with assertions";
#endif

}  // namespace

Environment environment_of_run(const std::string& version) {
  Environment environment;
  environment.machine = value_in("/proc/cpuinfo", "model name");
  environment.cores = std::thread::hardware_concurrency();
  environment.memory_bytes = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                             static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  utsname kernel{};
  uname(&kernel);
  environment.system = fmt::format("{} {}, {}", kernel.sysname, kernel.release,
                                   value_in("/etc/os-release", "PRETTY_NAME"));
  environment.version = version;
  environment.build = build;
  environment.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  const MachineTimes before = machine_times();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  environment.load_before = machine_times().busy_s - before.busy_s;
  return environment;
}

}  // namespace penstock
