#include "loadgen/schedule.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string>

#include "engine/core/error.h"
#include "engine/core/random.h"

namespace penstock {
namespace {

// Of a closed model, which nobody knows the length of: so many kinds in turn, over and over.
constexpr std::size_t closed_kinds = 4'096;
constexpr double trace_seconds_max = std::chrono::duration<double>(run_time_max).count();

// In [0, 1). The standard's distributions differ from library to library.
double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

Offset offset_of(double seconds) {
  return Offset(static_cast<std::int64_t>(seconds * 1e9));
}

// Exponential with mean 1, by comparisons only (von Neumann, 1951): logarithms differ in their last
// bit from machine to machine. A run of falling numbers that begins with x breaks off after an odd
// length with probability e^-x.
double exponential(Random& random) {
  for (double whole = 0;; ++whole) {
    const double first = uniform(random);
    double last = first;
    bool is_odd = true;
    for (double next = uniform(random); next < last; next = uniform(random)) {
      last = next;
      is_odd = !is_odd;
    }
    if (is_odd) return whole + first;
  }
}

// Of a Poisson process whose rate changes with time, by thinning one of the highest rate (Lewis and
// Shedler, 1979).
template <typename Rate>
std::vector<double> poisson(double seconds, double rate_max, Random& random, const Rate& rate) {
  std::vector<double> times;
  for (double at = 0;;) {
    at += exponential(random) / rate_max;
    if (at >= seconds) return times;
    if (uniform(random) * rate_max < rate(at)) times.push_back(at);
  }
}

// Evenly: the n-th comes when so many have been due, which is the integral of the rate:
// from x + slope x^2 / 2 = n, solved so that no slope is too small to divide by.
std::vector<double> even(double seconds, double from, double to) {
  std::vector<double> times;
  const double slope = (to - from) / seconds;
  for (double n = 0;; ++n) {
    const double rate = std::sqrt(std::max(0.0, from * from + 2 * slope * n));
    const double at = n == 0 ? 0 : 2 * n / (from + rate);
    const double due = (from + to) / 2 * seconds;
    if (n >= due || at >= seconds) return times;
    times.push_back(at);
  }
}

// The next kind of the mix.
std::uint32_t kind_at(const std::vector<DocumentKind>& kinds, std::uint64_t seed,
                      std::uint64_t number) {
  double all = 0;
  for (const DocumentKind& kind : kinds) all += kind.weight;
  Random random(seed * 0x9E3779B97F4A7C15 + number);
  double left = uniform(random) * all;
  for (std::size_t i = 0; i + 1 < kinds.size(); ++i) {
    left -= kinds[i].weight;
    if (left < 0) return static_cast<std::uint32_t>(i);
  }
  return static_cast<std::uint32_t>(kinds.size() - 1);
}

std::vector<Due> replay(const Phase& phase, const std::vector<DocumentKind>& kinds,
                        std::uint64_t seed) {
  std::ifstream file(phase.trace);
  if (!file) throw FatalError(phase.trace + ": the trace cannot be read");
  std::vector<Due> dues;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t comma = std::min(line.find(','), line.size());
    double seconds = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + comma, seconds);
    const std::string kind = comma < line.size() ? line.substr(comma + 1) : std::string();
    const auto found = std::ranges::find(kinds, kind, &DocumentKind::name);
    if (error != std::errc() || end != line.data() + comma || !(seconds >= 0) ||
        seconds > trace_seconds_max || (!kind.empty() && found == kinds.end()))
      throw FatalError(phase.trace + ":" + std::to_string(number) +
                       ": a line is SECONDS or SECONDS,KIND, with one of the profile's kinds");
    if (dues.size() == run_documents_max)
      throw FatalError(phase.trace + ": more than " + std::to_string(run_documents_max) +
                       " arrivals");
    dues.push_back({offset_of(seconds), kind.empty()
                                            ? kind_at(kinds, seed, dues.size())
                                            : static_cast<std::uint32_t>(found - kinds.begin())});
  }
  if (dues.empty()) throw FatalError(phase.trace + ": the trace has no arrival");
  std::ranges::stable_sort(dues, {}, &Due::at);
  return dues;
}

std::vector<Due> dues_of(const Phase& phase, const std::vector<DocumentKind>& kinds,
                         std::uint64_t seed) {
  if (phase.plan == ArrivalPlan::replay) return replay(phase, kinds, seed);
  const double seconds = phase.length.count();
  Random random(seed);
  std::vector<double> times;
  switch (phase.plan) {
    case ArrivalPlan::constant:
      times = even(seconds, phase.per_second, phase.per_second);
      break;
    case ArrivalPlan::ramp:
      times = even(seconds, phase.from_per_second, phase.per_second);
      break;
    case ArrivalPlan::poisson:
      times = poisson(seconds, phase.per_second, random, [&](double) { return phase.per_second; });
      break;
    case ArrivalPlan::spike:
      times = poisson(seconds, std::max(phase.per_second, phase.from_per_second), random,
                      [&](double at) {
                        const bool is_in_spike = at >= seconds / 3 && at < seconds * 2 / 3;
                        return is_in_spike ? phase.per_second : phase.from_per_second;
                      });
      break;
    case ArrivalPlan::burst:
      times.assign(phase.documents, 0);
      break;
    case ArrivalPlan::closed:
      times.assign(closed_kinds, 0);
      break;
    case ArrivalPlan::replay:
      break;
  }
  std::vector<Due> dues;
  dues.reserve(times.size());
  for (const double at : times) dues.push_back({offset_of(at), kind_at(kinds, seed, dues.size())});
  return dues;
}

Offset length_of(const Phase& phase, const std::vector<Due>& dues) {
  if (phase.plan == ArrivalPlan::replay) return dues.back().at;
  return offset_of(phase.length.count());
}

}  // namespace

Schedule schedule_of(const Profile& profile) {
  Schedule schedule;
  for (std::uint32_t index = 0; index < profile.phases.size(); ++index) {
    const Phase& phase = profile.phases[index];
    for (std::uint32_t time = 0; time < phase.times; ++time) {
      Stretch stretch;
      stretch.phase = index;
      // Each stretch has numbers of its own, so that another phase more changes none of the others.
      stretch.due =
          dues_of(phase, profile.kinds, profile.seed + (std::uint64_t{index} << 32) + time);
      stretch.length = length_of(phase, stretch.due);
      stretch.clients = phase.plan == ArrivalPlan::closed ? phase.concurrency : 0;
      stretch.is_drained_after = phase.plan == ArrivalPlan::burst;
      stretch.pause_after = offset_of(phase.pause.count());
      schedule.push_back(std::move(stretch));
    }
  }
  return schedule;
}

}  // namespace penstock
