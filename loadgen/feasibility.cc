#include "loadgen/feasibility.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>

#include "engine/stages/chunk/chunker.h"
#include "engine/stages/tokenize/tokenizer.h"
#include "reports/format.h"
#include "reports/statistics.h"

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

std::string tokens_text(double tokens) {
  return human_tokens(static_cast<std::uint64_t>(tokens));
}

// What a minute saved up is let through at once.
double seconds_for(double tokens, double per_minute) {
  return std::max(0.0, tokens / per_minute - 1) * 60;
}

bool has_one_rate(const Phase& phase) {
  return phase.plan == ArrivalPlan::constant || phase.plan == ArrivalPlan::poisson;
}

// With three rates or more a run looks for the one that is too much.
bool is_sweep(const Profile& profile) {
  std::set<double> rates;
  for (const Phase& phase : profile.phases)
    if (has_one_rate(phase) && !phase.is_warm_up) rates.insert(phase.per_second);
  return rates.size() >= 3;
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
  // Of a made document, by what its kind's first one has in all its chunks. Of a file: none, since
  // its text need not be embedded again.
  double tokens_of(std::uint32_t kind) {
    const auto [place, is_new] = tokens_.try_emplace(kind, 0);
    if (is_new && corpus_.pages_of(kind) > 0) {
      const Tokenizer tokenizer(Encoding::cl100k_base);
      Text text{corpus_.text_of(0, kind), {}};
      text.page_ends = {text.utf8.size()};
      for (const Chunk& chunk : chunk_text(text, tokenizer, {})) place->second += chunk.tokens;
    }
    return place->second;
  }

  // Of one kind, or of all.
  double tokens_of(const Stretch& stretch, const std::string& kind = {}) {
    double tokens = 0;
    for (const Due& due : stretch.due)
      if (kind.empty() || profile_.kinds[due.kind].name == kind) tokens += tokens_of(due.kind);
    return tokens;
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
      if (stretch.is_drained_after) {
        burst_needs_quota(stretch, per_minute);
        length += profile_.drain_max.count();
      } else if (stretch.clients == 0) {  // clients send no more than is done
        const double of_stretch = tokens_of(stretch);
        rate_needs_quota(stretch, of_stretch, per_minute);
        tokens += of_stretch;
      }
    }
    const double needed = seconds_for(tokens, per_minute);
    const double given = length + profile_.drain_max.count();
    if (needed <= given) return;
    reasons_.push_back(fmt::format(
        "drain_max: {} tokens at {} a minute take {}, and load and drain_max end after {}",
        tokens_text(tokens), tokens_text(per_minute), time_text(needed), time_text(given)));
  }

  // The first burst of a phase stands for those that follow.
  void burst_needs_quota(const Stretch& stretch, double per_minute) {
    if (!stretch.is_drained_after || !bursts_.insert(stretch.phase).second) return;
    const auto refuse_if = [&](const std::string& name, double tokens, double fraction,
                               double limit, std::string_view what) {
      const double needed = seconds_for(tokens * fraction, per_minute);
      if (needed <= limit) return;
      reasons_.push_back(
          fmt::format("{}: a burst of {} is {} tokens; at {} a minute that is {}, and {} {}", name,
                      counted(stretch.due.size(), "document"), tokens_text(tokens),
                      tokens_text(per_minute), time_text(needed), what, time_text(limit)));
    };
    refuse_if("drain_max", tokens_of(stretch), 1, profile_.drain_max.count(), "it is waited for");
    if (phase_of(stretch).is_warm_up) return;
    for (const Target& target : profile_.targets)
      if (target.measure == Measure::done)
        refuse_if(target.name, tokens_of(stretch, target.kind), target.fraction, target.limit,
                  fmt::format("{:.4g}% of them are to be done within", 100 * target.fraction));
  }

  // A steady load that outruns the quota has a backlog that grows, which fails the run; a phase
  // that ends within what a minute saved up does not show it.
  void rate_needs_quota(const Stretch& stretch, double tokens, double per_minute) {
    const Phase& phase = phase_of(stretch);
    if (!has_one_rate(phase) || phase.is_warm_up || is_sweep(profile_)) return;
    const double minutes = phase.length.count() / 60;
    if (tokens <= per_minute * (minutes + 1)) return;
    reasons_.push_back(fmt::format(
        "{}: {} documents/s are {} tokens a minute, and the quota lets through {}: what waits "
        "would only grow",
        phase.name, human_rate(phase.per_second), tokens_text(tokens / minutes),
        tokens_text(per_minute)));
  }

  void concurrency_needs_clients() {
    for (const Target& target : profile_.targets) {
      if (target.measure != Measure::concurrent) continue;
      std::uint64_t most = 0;
      for (const Stretch& stretch : schedule_)
        if (!phase_of(stretch).is_warm_up)
          most = std::max<std::uint64_t>(
              most, stretch.clients > 0 ? stretch.clients : stretch.due.size());
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
  std::map<std::uint32_t, double> tokens_;  // by kind
  std::set<std::uint32_t> bursts_;          // phases whose first one was looked at
  std::vector<std::string> reasons_;
};

}  // namespace

std::vector<std::string> impossible(const Profile& profile, const Schedule& schedule,
                                    const Corpus& corpus) {
  return Arithmetic(profile, schedule, corpus).reasons();
}

std::vector<std::string> too_few_documents(const Profile& profile, const Schedule& schedule) {
  std::vector<std::uint64_t> documents(profile.kinds.size());
  std::uint64_t all = 0;
  for (const Stretch& stretch : schedule) {
    if (profile.phases[stretch.phase].is_warm_up) continue;
    if (stretch.clients > 0) return {};
    for (const Due& due : stretch.due) ++documents[due.kind];
    all += stretch.due.size();
  }
  std::vector<std::string> sentences;
  for (const Target& target : profile.targets) {
    if (!is_time(target.measure)) continue;
    std::uint64_t count = all;
    for (std::size_t i = 0; i < profile.kinds.size(); ++i)
      if (profile.kinds[i].name == target.kind) count = documents[i];
    const std::uint64_t more = judge(count, 0, 0, target.fraction).more_needed;
    if (more > 0)
      sentences.push_back(fmt::format("{}: {:.4g}% takes {} without a miss, and the load has {}",
                                      target.name, 100 * target.fraction,
                                      counted(count + more, "document"), with_commas(count)));
  }
  return sentences;
}

}  // namespace penstock
