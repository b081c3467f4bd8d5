// Any file as a capacity run's profile, and as a trace that it replays: it is refused in a line, or
// makes a schedule that can be kept. What comes after the first NUL is the trace.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/core/error.h"
#include "engine/core/unique_fd.h"
#include "loadgen/profile.h"
#include "loadgen/schedule.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

// Of a schedule that is made here: more of the same shows nothing.
constexpr std::size_t documents_max = 20'000;

class File {
 public:
  explicit File(std::string_view bytes) : fd_(memfd_create("file", MFD_CLOEXEC)) {
    REQUIRE(write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  const UniqueFd fd_;
};

void check_schedule(const Profile& profile) {
  for (const Stretch& stretch : schedule_of(profile)) {
    REQUIRE(stretch.phase < profile.phases.size());
    REQUIRE(stretch.length >= Offset(0) && stretch.pause_after >= Offset(0));
    REQUIRE(stretch.length <= run_time_max && stretch.pause_after <= run_time_max);
    REQUIRE(std::ranges::is_sorted(stretch.due, {}, &Due::at));
    for (const Due& due : stretch.due) {
      REQUIRE(due.at >= Offset(0) && due.at <= stretch.length);
      REQUIRE(due.kind < profile.kinds.size());
    }
  }
}

void check_profile(std::string_view text, std::string_view trace) {
  const File profile_file(text);
  const File trace_file(trace);
  try {
    Profile profile = read_profile(profile_file.path());
    REQUIRE(!profile.kinds.empty() && !profile.phases.empty() && !profile.targets.empty());
    double documents = 0;
    for (Phase& phase : profile.phases) {
      if (phase.plan == ArrivalPlan::replay) phase.trace = trace_file.path();
      documents += static_cast<double>(phase.documents) * phase.times + phase.times +
                   phase.length.count() * std::max(phase.per_second, phase.from_per_second);
    }
    if (documents <= documents_max) check_schedule(profile);
  } catch (const FatalError& error) {
    const std::string message = error.what();
    REQUIRE(message.starts_with("/proc/self/fd/") && message.find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\0'), text.size());
  penstock::check_profile(text.substr(0, end), text.substr(std::min(end + 1, text.size())));
  return 0;
}
