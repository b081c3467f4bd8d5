// What is concluded of a run: the one model that every writer shows (terminal, JSON, HTML, JUnit,
// Markdown). Made by conclude(); a writer computes nothing but layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/run_record.h"

namespace penstock {

// What a target is about.
enum class Measure {
  upload,             // intended to answered, of what was accepted; refused and broken ones miss
  start,              // intended to started
  done,               // intended to done
  documents_per_day,  // the rate that can be kept up
  concurrent,         // uploads under way at the same moment, all accepted
  memory,             // of the system, the most that was seen after the warm-up
  descriptors,        // likewise
};

// Of a document, against a limit that most have to keep.
constexpr bool is_time(Measure measure) {
  return measure == Measure::upload || measure == Measure::start || measure == Measure::done;
}

constexpr std::string_view name_of(Measure measure) {
  constexpr std::string_view names[] = {"upload",     "start",  "done",       "documents_per_day",
                                        "concurrent", "memory", "descriptors"};
  return names[static_cast<std::size_t>(measure)];
}

struct Target {
  std::string name;  // "upload"
  Measure measure = Measure::upload;
  double limit = 0;        // seconds, documents a day, uploads, bytes, or files
  double fraction = 0.99;  // of documents that must keep it: the miss budget is the rest
  std::string kind;        // of document; empty: all
};

// invalid: the run could not measure. inconclusive: too few documents.
// Of the targets of a run that is invalid each is.
enum class Verdict { pass, fail, inconclusive, invalid };

constexpr std::string_view name_of(Verdict verdict) {
  constexpr std::string_view names[] = {"pass", "fail", "inconclusive", "invalid"};
  return names[static_cast<std::size_t>(verdict)];
}

struct TargetResult {
  Target target;
  Verdict verdict = Verdict::inconclusive;
  std::optional<double> value;      // the quantile at target.fraction, or the rate
  std::optional<double> value_low;  // each end holds at 99%: of a quantile, the low one is above
                                    // the limit iff it fails, the high one below iff it passes
  std::optional<double> value_high;
  std::uint64_t documents = 0;  // judged
  std::uint64_t misses = 0;
  std::uint64_t misses_allowed = 0;  // with which as many would still pass
  std::uint64_t misses_anyway = 0;   // by more than generator and host were late
  bool is_missed_anyway = false;     // these alone are too many
  std::uint64_t more_needed = 0;     // documents, without a miss, until an inconclusive one passes
  std::string sentence;              // "p99 0.84 s, limit 2 s: 3 of 1,000 missed, 4 may"
};

// One thing that must hold for any verdict to mean something.
struct Check {
  std::string name;  // "dropped arrivals"
  bool holds = true;
  std::string value;     // "0 of 12,000"
  std::string limit;     // "none"
  std::string sentence;  // why it matters, and what to do; shown when it does not hold
  // Does not make the run invalid, but fails it: lost, stored twice, wrong content, a backlog that
  // grows.
  bool is_failure = false;
  // Makes documents look slower, if anything: a target that is missed anyway is missed.
  bool spares_misses = false;
};

struct Conservation {
  std::uint64_t intended = 0;
  std::uint64_t accepted = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;
  std::uint64_t broken = 0;
  std::uint64_t dropped = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t lost = 0;
  std::uint64_t twice = 0;
  bool holds = true;  // accepted = done + failed + in flight, none lost, none twice
};

// Of a document's way, from intended to done. Sums of all add up to the time from intended to done.
struct StageShare {
  std::string name;  // "issue delay", "upload", "queue", "extract", "embed", "store", "finish"
  double mean_s = 0;
  double p50_s = 0;
  double p99_s = 0;
  double share = 0;  // of the mean time of a document
};

struct Resource {
  std::string name;        // "tokens per minute of key 2", "CPU"
  double utilisation = 0;  // 0..1, in the busiest measured phase
  double used = 0;
  double limit = 0;  // 0: none that is known
  std::string unit;  // "cores", "tokens/min"
  // Documents a second at which it would be used up, were nothing else in the way.
  std::optional<double> roofline;
};

// Of uploads, from intended or issued to answered; of whole documents where nothing answers.
struct QuantilePoint {
  double fraction = 0;
  double from_intended_s = 0;
  double from_issued_s = 0;
  bool is_certain = true;  // enough documents for a 99% interval that ends
};

struct LoadStep {
  std::string phase;
  double offered = 0;  // documents a second
  double finished = 0;
  double p50_s = 0;  // intended to done
  double p99_s = 0;
  double backlog_slope = 0;  // documents a second
  bool is_growing = false;   // the backlog, beyond doubt
  bool is_kept_up = true;    // it does not grow, and hardly anything was refused or broken
};

// done = fixed_s + seconds_per_mb x MB, by Theil-Sen over documents that waited for nobody.
struct SizeFit {
  double fixed_s = 0;
  double seconds_per_mb = 0;
  double ten_mb_s = 0;
  double ten_mb_high_s = 0;  // upper end of its 99% interval
  std::uint64_t documents = 0;
};

struct Daily {
  double documents = 0;        // a day
  double low = 0;              // 99%
  std::optional<double> high;  // absent: no load that was offered was too much
  double headroom = 0;         // low / target
  std::string how;  // "from the knee between 4 and 5 documents/s", "from the drain of a burst"
};

struct ErrorCount {
  std::string what;  // "429 Too Many Requests: too many documents wait"
  std::uint64_t count = 0;
};

struct CapacityReport {
  RunRecord run;
  Verdict verdict = Verdict::inconclusive;
  bool is_valid = true;
  std::string sentence;  // the verdict, in one line
  std::vector<TargetResult> targets;
  std::vector<Check> checks;
  Conservation conservation;
  std::vector<StageShare> stages;
  std::vector<Resource> resources;  // what binds first, then the most used
  std::string bound_by;             // the sentence; resources.front() has the figures
  std::vector<QuantilePoint> quantiles;
  std::vector<LoadStep> steps;  // of a sweep; empty: there was none
  std::optional<double> knee;   // documents a second that were kept up
  std::optional<SizeFit> size_fit;
  std::optional<Daily> daily;
  double backlog_slope = 0;  // documents a second over the measured steady phases
  std::vector<ErrorCount> errors;
  std::vector<std::uint64_t> slowest;  // numbers of arrivals, the slowest first, at most 20
};

CapacityReport conclude(RunRecord run, const std::vector<Target>& targets);

}  // namespace penstock
