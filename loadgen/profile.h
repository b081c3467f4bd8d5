// What a capacity run does, from a TOML file: docs/capacity.md tells of each key.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/core/lane.h"
#include "reports/capacity_report.h"

namespace penstock {

// What a run may be at most: its times are counted in nanoseconds, and each of its documents costs
// the generator some hundred bytes.
inline constexpr std::chrono::hours run_time_max{2'400};
inline constexpr std::uint64_t run_documents_max = 10'000'000;

// An arrival process: how documents come in a phase.
enum class ArrivalPlan {
  constant,  // evenly, `per_second`
  poisson,   // at random, `per_second` on average
  ramp,      // evenly more, from `from_per_second` to `per_second`
  spike,     // poisson at `from_per_second`, and at `per_second` in the middle third
  burst,     // `documents` at the same moment, `times` times, a `pause` after each drained
  replay,    // of a recorded trace, `trace`
  closed,    // `concurrency` clients, each sends its next when the one before is done
};

struct Phase {
  std::string name;
  ArrivalPlan plan = ArrivalPlan::constant;
  bool is_warm_up = false;
  std::chrono::duration<double> length{0};
  double per_second = 0;
  double from_per_second = 0;
  std::uint64_t documents = 0;
  std::uint32_t times = 1;
  std::chrono::duration<double> pause{0};
  std::uint32_t concurrency = 0;
  std::string trace;  // path: "seconds[,kind]" a line
  Lane lane = Lane::interactive;
};

// A part of the corpus.
struct DocumentKind {
  std::string name;
  double weight = 1;
  std::string folder;       // of files to send; empty: made
  std::uint64_t bytes = 0;  // about, of a made one
  std::uint64_t bytes_of_text =
      0;  // about; the rest of a made one is pictures. 0: all of it is text
};

enum class DestinationKind { http, queue, engine };

constexpr std::string_view name_of(DestinationKind kind) {
  constexpr std::string_view names[] = {"http", "queue", "engine"};
  return names[static_cast<std::size_t>(kind)];
}

// What is loaded. What is not there already the run starts, and stops it afterwards.
struct SystemPlan {
  DestinationKind destination = DestinationKind::http;
  std::string url;                     // of a service that is there
  std::vector<std::string> arguments;  // of `penstock serve`, or `worker`
  std::uint32_t workers = 1;           // that are started; 0, of a queue: they are there
  // Of a queue, as the options of these names; empty: in a folder of the run's own.
  std::string queue;
  std::string shown_queue;  // as the profile has it, without what a variable holds
  std::string queue_name;   // empty: the run's own, or that of workers that are there
  std::string store;
  std::string ledger;
  std::string vectors;
  std::string blobs;  // a folder, or s3://BUCKET/PREFIX

  bool is_started() const { return url.empty() && workers > 0; }
};

// The emulated provider that the started system embeds with. Absent: lexical:.
struct ProviderPlan {
  std::uint32_t keys = 1;
  std::uint64_t requests_per_minute = 3'000;  // of each
  std::uint64_t tokens_per_minute = 90'000;
  std::string latency;  // as of `penstock emulate openai --latency`
  double faults = 0;    // 0..1 of requests
};

struct Profile {
  std::string name;
  std::string text;  // the file
  std::uint64_t seed = 1;
  SystemPlan system;
  std::optional<ProviderPlan> provider;
  std::vector<DocumentKind> kinds;
  std::vector<Phase> phases;
  std::vector<Target> targets;                   // the mission's, if the file has none
  std::chrono::duration<double> drain_max{300};  // after the last arrival
  std::uint32_t connections_max = 4'096;         // of the generator
  bool connections_wait = false;                 // what finds none is not dropped
  std::uint32_t content_checks = 10;             // documents whose text is searched for afterwards
};

// Throws FatalError with one line that names file, key and what is wrong with it; a key that is
// none is refused.
Profile read_profile(const std::string& path);

}  // namespace penstock
