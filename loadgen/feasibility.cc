#include "loadgen/feasibility.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "engine/stages/tokenize/tokenizer.h"
#include "reports/format.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

// 25 Gbit/s, the fastest network that a machine commonly has; loopback and page cache of a small
// virtual machine are slower.
constexpr double bytes_per_second_max = 25e9 / 8;
// Besides connections: files, events, the system's own processes.
constexpr std::uint64_t other_descriptors = 64;

std::string time_text(double seconds) {
  return human_time(Seconds(seconds));
}

class Arithmetic {
 public:
  Arithmetic(const Profile& profile, const Schedule& schedule, const Corpus& corpus)
      : profile_(profile), schedule_(schedule), corpus_(corpus) {}

  std::vector<std::string> reasons() {
    bursts_need_bandwidth();
    tokens_need_quota();
    concurrency_needs_clients();
    connections_need_descriptors();
    return std::move(reasons_);
  }

 private:
  // Of one document of a made kind, by what its first one has. Absent: nobody counted.
  std::optional<double> tokens_of(std::uint32_t kind) {
    const auto [place, is_new] = tokens_.try_emplace(kind);
    if (is_new && corpus_.pages_of(kind) > 0) {
      const Tokenizer tokenizer(Encoding::cl100k_base);
      place->second = static_cast<double>(tokenizer.count(corpus_.text_of(0, kind)));
    }
    return place->second;
  }

  const Phase& phase_of(const Stretch& stretch) const { return profile_.phases[stretch.phase]; }

  void bursts_need_bandwidth() {
    for (const Target& target : profile_.targets) {
      if (target.measure != Measure::upload) continue;
      for (const Stretch& stretch : schedule_) {
        if (phase_of(stretch).plan != ArrivalPlan::burst || phase_of(stretch).is_warm_up) continue;
        double bytes = 0;
        for (const Due& due : stretch.due)
          bytes += static_cast<double>(corpus_.content(0, due.kind).bytes);
        const double rate = bytes * target.fraction / target.limit;
        if (rate <= bytes_per_second_max) continue;
        reasons_.push_back(fmt::format(
            "{}: a burst of {} is {}, within {} {}/s, and a network of 25 Gbit/s carries {}/s",
            target.name, counted(stretch.due.size(), "document"),
            human_bytes(static_cast<std::uint64_t>(bytes)), time_text(target.limit),
            human_bytes(static_cast<std::uint64_t>(rate)),
            human_bytes(static_cast<std::uint64_t>(bytes_per_second_max))));
        break;
      }
    }
  }

  void tokens_need_quota() {
    if (!profile_.provider) return;
    const double per_minute =
        static_cast<double>(profile_.provider->tokens_per_minute) * profile_.provider->keys;
    double tokens = 0;
    double length = 0;
    for (const Stretch& stretch : schedule_) {
      length += Seconds(stretch.length + stretch.pause_after).count();
      if (stretch.clients > 0) continue;  // as many as it can do
      double of_stretch = 0;
      for (const Due& due : stretch.due) of_stretch += tokens_of(due.kind).value_or(0);
      tokens += of_stretch;
      burst_needs_quota(stretch, of_stretch, per_minute);
      // Each burst waits until the one before has ended.
      if (stretch.is_drained_after) length += std::max(0.0, of_stretch / per_minute - 1) * 60;
    }
    // What is let through at once at the beginning is a minute's.
    const double needed = std::max(0.0, tokens / per_minute - 1) * 60;
    const double given = length + profile_.drain_max.count();
    if (needed <= given) return;
    reasons_.push_back(fmt::format(
        "drain_max: {} tokens at {} a minute take {}, and load and drain_max end after {}",
        human_tokens(static_cast<std::uint64_t>(tokens)),
        human_tokens(static_cast<std::uint64_t>(per_minute)), time_text(needed), time_text(given)));
  }

  void burst_needs_quota(const Stretch& stretch, double tokens, double per_minute) {
    if (!stretch.is_drained_after || phase_of(stretch).is_warm_up) return;
    for (const Target& target : profile_.targets) {
      if (target.measure != Measure::done || !target.kind.empty()) continue;
      const double needed = std::max(0.0, tokens * target.fraction / per_minute - 1) * 60;
      if (needed <= target.limit) continue;
      reasons_.push_back(
          fmt::format("{}: a burst of {} is {} tokens; at {} a minute that is {}, and {:.4g}% of "
                      "them are to be "
                      "done within {}",
                      target.name, counted(stretch.due.size(), "document"),
                      human_tokens(static_cast<std::uint64_t>(tokens)),
                      human_tokens(static_cast<std::uint64_t>(per_minute)), time_text(needed),
                      100 * target.fraction, time_text(target.limit)));
    }
  }

  void concurrency_needs_clients() {
    for (const Target& target : profile_.targets) {
      if (target.measure != Measure::concurrent) continue;
      std::uint64_t most = 0;
      for (const Stretch& stretch : schedule_)
        if (stretch.clients > 0)
          most = std::max<std::uint64_t>(most, stretch.clients);
        else
          most = std::max<std::uint64_t>(most, stretch.due.size());
      most = std::min<std::uint64_t>(most, profile_.connections_max);
      if (static_cast<double>(most) < target.limit)
        reasons_.push_back(
            fmt::format("{}: never more than {} are under way, by phases and connections_max",
                        target.name, counted(most, "upload")));
    }
  }

  void connections_need_descriptors() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return;
    if (profile_.connections_max + other_descriptors > limit.rlim_max)
      reasons_.push_back(fmt::format(
          "connections_max: {} connections, and a process may have {} files open (ulimit -Hn)",
          with_commas(profile_.connections_max), with_commas(limit.rlim_max)));
  }

  const Profile& profile_;
  const Schedule& schedule_;
  const Corpus& corpus_;
  std::map<std::uint32_t, std::optional<double>> tokens_;  // by kind
  std::vector<std::string> reasons_;
};

}  // namespace

std::vector<std::string> impossible(const Profile& profile, const Schedule& schedule,
                                    const Corpus& corpus) {
  return Arithmetic(profile, schedule, corpus).reasons();
}

}  // namespace penstock
