// What a gate saw of two builds that did the same work, and nothing that was concluded of it:
// reports/gate does that. Kept whole in gate.json, so that every conclusion can be drawn again.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loadgen/run_record.h"

namespace penstock {

// By metric's name.
using Values = std::map<std::string, double>;

// A figure of a run. A build is worse by it only if it moved further than noise and than `floor`.
struct GateMetric {
  std::string name;   // "documents_per_second", "instructions extract"
  std::string unit;   // "documents/s"; empty: none
  std::string stage;  // that it is of; empty: of the whole
  bool more_is_better = false;
  double floor = 0.03;         // of the baseline: what is smaller is of no interest
  bool is_control = false;     // no change to the program moves it: if it moves, the machine did
  bool may_stay_open = false;  // noise of it leaves no gate inconclusive
  bool is_exact = false;       // counted, not timed: one comparison, of `counts`, decides
};

// A run of each build, one after the other, on the same input.
struct GatePair {
  // Drawn for each pair by itself, from the seed: then nothing that the machine does by the clock
  // (a job every minute, a drift) can take a side, and the test's p-values are exact.
  bool candidate_first = false;
  Values baseline;
  Values candidate;
};

struct GateBuild {
  std::string path;     // as given
  std::string version;  // what it says of itself
  std::string digest;   // SHA-256 of the program, in hex
};

// What the two builds made of the same documents.
struct GateContent {
  struct Side {
    std::uint64_t documents = 0;  // with an outcome
    std::uint64_t done = 0;
    std::uint64_t pages = 0;
    std::uint64_t words = 0;
    std::uint64_t chunks = 0;
    std::uint64_t chunks_twice = 0;  // of a document, with the ordinal or the whole text of another
    std::uint64_t tokens = 0;
  };
  // A document of which something differs, the worst first.
  struct Difference {
    std::string document;
    std::string what;  // "2 of 340 words lost on page 3", "done, now corrupt"
  };

  Side baseline;
  Side candidate;
  std::uint64_t words_lost = 0;   // of the baseline's, as a multiset a page
  std::uint64_t words_added = 0;  // of the candidate's
  std::uint64_t words_moved = 0;  // in both, but not in the longest common order
  std::uint64_t pages_with_loss = 0;
  std::uint64_t documents_different = 0;
  std::uint64_t searches = 0;
  std::uint64_t searches_different = 0;  // other documents or pages, or in another order
  std::vector<Difference> differences;   // at most 20
};

struct GateRecord {
  std::string command;  // makes this gate again
  std::uint64_t seed = 0;
  std::string job;  // for people: "backfill of 300 made PDFs, 412 MB, with lexical:"
  Environment environment;
  GateBuild baseline;
  GateBuild candidate;

  std::vector<GateMetric> metrics;
  std::vector<GatePair> pairs;
  std::uint32_t pairs_max = 0;  // that there is time for
  Values baseline_counts;       // of exact metrics
  Values candidate_counts;
  // Metrics that could not be had, and why: "instructions: valgrind is not installed".
  std::vector<std::string> missing;
  GateContent content;
  bool accepts_content = false;  // content was changed on purpose: it is reported, and may pass

  std::chrono::duration<double> took{0};
  std::string interrupted;  // why it was broken off; empty: it was not
};

}  // namespace penstock
