#include "cli/process_usage.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace penstock {
namespace {

// Fields of /proc/PID/stat (proc(5)), counted from the one behind the name, which may hold spaces.
constexpr std::size_t utime = 11;
constexpr std::size_t stime = 12;
constexpr std::size_t rss = 21;

ProcessUsage usage_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::vector<std::uint64_t> values;
  std::string state;
  fields >> state;
  for (std::int64_t value = 0; values.size() < rss && fields >> value;)
    values.push_back(static_cast<std::uint64_t>(value));
  if (values.size() < rss) return {};
  ProcessUsage usage;
  usage.cpu =
      std::chrono::duration<double>(static_cast<double>(values[utime - 1] + values[stime - 1]) /
                                    static_cast<double>(sysconf(_SC_CLK_TCK)));
  usage.memory_bytes = values[rss - 1] * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return usage;
}

}  // namespace

ProcessUsage process_usage() {
  ProcessUsage sum = usage_of("self");
  std::error_code gone;  // a thread that ended meanwhile
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::ifstream children(thread.path() / "children");
    for (std::string pid; children >> pid;) {
      const ProcessUsage child = usage_of(pid);
      sum.cpu += child.cpu;
      sum.memory_bytes += child.memory_bytes;
    }
  }
  return sum;
}

}  // namespace penstock
