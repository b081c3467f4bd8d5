// What a load run saw, and nothing that was concluded of it: reports/ does that. Kept whole in
// report.json, arrivals.csv and samples.csv, so that every conclusion can be drawn again.
//
// One clock: all times are of the generator's monotonic clock, as offsets from the run's start.
// What the system under test said by its own clock was brought over by `clock`, whose doubt goes
// with it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/lane.h"

namespace penstock {

// Since the start of the run.
using Offset = std::chrono::nanoseconds;

// How an arrival ended.
enum class Ending {
  done,       // the system says that all of it is stored and searchable, or that it has no text
  failed,     // accepted; ended with another outcome
  refused,    // answered, but not accepted: 429, 503, 4xx
  broken,     // no whole answer: reset, timeout
  dropped,    // never issued, though it was due: the generator had no room for it
  in_flight,  // accepted, and not ended when the run stopped waiting
  lost,       // accepted, and the system does not know it any more
};

inline constexpr std::array<Ending, 7> all_endings = {
    Ending::done,    Ending::failed,    Ending::refused, Ending::broken,
    Ending::dropped, Ending::in_flight, Ending::lost};

constexpr std::string_view name_of(Ending ending) {
  constexpr std::string_view names[] = {"done",    "failed",    "refused", "broken",
                                        "dropped", "in_flight", "lost"};
  return names[static_cast<std::size_t>(ending)];
}

// One arrival and its document. Absent times were not reached.
struct Arrival {
  std::uint64_t number = 0;  // in the order of intended times, from 0
  std::uint32_t phase = 0;   // index of RunRecord::phases
  std::uint32_t kind = 0;    // index of RunRecord::kinds
  Lane lane = Lane::interactive;
  std::uint64_t bytes = 0;
  std::string id;  // that the system gave it; empty: not accepted

  Offset intended{0};              // by the schedule, made before the run. Latencies count from it
  std::optional<Offset> issued;    // the generator began to send it
  std::optional<Offset> accepted;  // its whole answer was there, and it was accepted
  std::optional<Offset> answered;  // likewise, whatever it said
  // By the system's own timeline.
  std::optional<Offset> received;
  std::optional<Offset> queued;
  std::optional<Offset> started;
  std::optional<Offset> extracted;
  std::optional<Offset> embedded;
  std::optional<Offset> stored;
  std::optional<Offset> done;  // it has its outcome, whichever

  Ending ending = Ending::in_flight;
  int status = 0;       // of the answer; 0: none
  std::string outcome;  // of the document; empty: none yet
  std::string message;  // why it failed or was refused
  std::uint32_t pages = 0;
  std::uint64_t chunks = 0;
  std::uint64_t tokens = 0;
  std::uint32_t attempts = 0;
};

// A stretch of the load with one plan. Statistics are of those that are measured.
struct PhaseRecord {
  std::string name;
  std::string plan;  // for people: "constant, 5 documents/s", "burst of 1,000"
  Offset begin{0};   // of the first arrival that could be due
  Offset end{0};     // after the last
  bool is_warm_up = false;
  std::optional<double> documents_per_second;  // of a plan with one rate: a step of a sweep
  std::uint32_t concurrency = 0;               // of a closed model; 0: open
};

// A kind of document in the mix.
struct KindRecord {
  std::string name;  // of its size class or folder
  double weight = 1;
};

// What was measured of the system and of the generator, one after another, a second apart or less.
struct Sample {
  Offset at{0};
  // The system under test. Absent: not to be seen (another machine's).
  std::optional<double> system_cpu_cores;      // used since the sample before
  std::optional<std::uint64_t> system_memory;  // bytes, of all its processes
  std::optional<std::uint64_t> system_descriptors;
  std::optional<double> store_busy;  // 0..1, the part of the time in which a write was under way
  std::uint64_t queue_depth = 0;     // waiting, not taken by a worker
  std::uint64_t working = 0;         // taken by workers
  std::uint64_t accepted = 0;        // sums since the start, of all phases
  std::uint64_t done = 0;            // with an outcome
  // The generator.
  double generator_cpu_cores = 0;
  std::optional<std::uint64_t> generator_memory;  // bytes. Absent: it is the system's, too
  std::uint64_t generator_descriptors = 0;
  std::uint64_t connections = 0;  // open
  Offset timer_lag{0};            // the latest a timer was, since the sample before
  Offset timers_late{0};          // the sum of what all of them were late, one after another
  double steal = 0;               // 0..1 of the machine's CPU, taken by its host
  double machine_cpu_cores = 0;   // used by everything on the machine
  std::uint64_t sent_bytes = 0;   // sum since the start
};

// What a key of the provider let through. Uses are of the measured phases' busiest minute, or of
// all of it if shorter.
struct KeyRecord {
  std::string name;                       // "key 1": never the key
  std::uint64_t requests_per_minute = 0;  // its limit; 0: none
  std::uint64_t tokens_per_minute = 0;
  double requests_used = 0;  // a minute
  double tokens_used = 0;
  std::uint64_t refusals = 0;  // 429
};

// The system's clock against the generator's: by requests, as NTP does it. Offset of the one from
// the other, and half of the shortest round trip, which bounds its error; drift is in the doubt.
struct ClockRecord {
  std::chrono::nanoseconds offset{0};
  std::chrono::nanoseconds doubt{0};
};

// What was checked of outputs: the text of some documents is found again, as their words.
struct ContentCheck {
  std::uint64_t checked = 0;
  std::uint64_t wrong = 0;
  std::string first_wrong;  // says what
};

struct Environment {
  std::string machine;  // CPU's name
  unsigned cores = 0;
  std::uint64_t memory_bytes = 0;
  std::string system;      // kernel and distribution
  std::string version;     // penstock's
  std::string build;       // release, or what it is instead
  std::string started;     // 2026-11-28T01:02:03Z
  double load_before = 0;  // cores busy in the second before the run
};

struct RunRecord {
  std::string profile_name;
  std::string profile_text;  // the file, whole
  std::string command;       // makes this run again
  std::uint64_t seed = 0;
  std::string system;  // what was loaded, for people
  // http, queue or engine. An engine is in the generator's process: the generator's CPU is that of
  // the thread that sends, descriptors are of both.
  std::string destination;
  Environment environment;

  std::vector<PhaseRecord> phases;
  std::vector<KindRecord> kinds;
  std::vector<Arrival> arrivals;  // by number
  std::vector<Sample> samples;
  std::vector<KeyRecord> keys;  // empty: no quota
  ClockRecord clock;
  ContentCheck content;

  // Found in the system after the drain, and accounted to nobody.
  std::uint64_t stored_twice = 0;     // versions with more chunks than their document has
  std::uint64_t unknown = 0;          // documents that no arrival brought
  std::vector<std::string> findings;  // fsck's and the like, one line each

  Offset ended{0};                            // of the last thing that was waited for
  bool is_drained = false;                    // everything accepted had ended by then
  std::uint32_t documents_in_flight_max = 0;  // that the system works on at once; 0: not known
  double system_cores = 0;                    // that the system may use
  double generator_cores = 1;                 // that the generator's threads can use
  std::uint64_t descriptors_max = 0;          // of the generator
  bool connections_wait = false;              // uploads were issued when a connection was free
  std::string interrupted;                    // why it was broken off; empty: it was not
};

}  // namespace penstock
