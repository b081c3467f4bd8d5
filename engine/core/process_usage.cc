#include "engine/core/process_usage.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace penstock {
namespace {

// Fields of /proc/PID/stat (proc(5)), counted from the one behind the name, which may hold spaces.
constexpr std::size_t utime = 11;
constexpr std::size_t stime = 12;
constexpr std::size_t cstime = 14;
constexpr std::size_t rss = 21;

void add_usage(const std::filesystem::path& process, bool with_children, ProcessUsage& sum) {
  std::ifstream file(process / "stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(text.substr(name_end + 1));
  std::vector<std::int64_t> values;
  std::string state;
  fields >> state;
  for (std::int64_t value = 0; values.size() < rss && fields >> value;) values.push_back(value);
  if (values.size() < rss) return;
  std::int64_t ticks = 0;
  for (std::size_t field = utime; field <= (with_children ? cstime : stime); ++field)
    ticks += values[field - 1];
  sum.cpu += std::chrono::duration<double>(static_cast<double>(ticks) /
                                           static_cast<double>(sysconf(_SC_CLK_TCK)));
  sum.memory_bytes += static_cast<std::uint64_t>(values[rss - 1]) *
                      static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::error_code gone;
  const std::filesystem::directory_iterator descriptors(process / "fd", gone);
  if (!gone)
    sum.descriptors +=
        static_cast<std::uint64_t>(std::distance(begin(descriptors), end(descriptors)));
  if (!with_children) return;
  // A process or thread that ends meanwhile has none.
  for (const auto& thread : std::filesystem::directory_iterator(process / "task", gone)) {
    std::ifstream children(thread.path() / "children");
    for (std::string pid; children >> pid;) add_usage("/proc/" + pid, true, sum);
  }
}

}  // namespace

ProcessUsage process_usage(pid_t process) {
  ProcessUsage usage;
  add_usage("/proc/" + std::to_string(process), false, usage);
  return usage;
}

ProcessUsage tree_usage(pid_t root) {
  ProcessUsage sum;
  add_usage("/proc/" + std::to_string(root), true, sum);
  return sum;
}

}  // namespace penstock
