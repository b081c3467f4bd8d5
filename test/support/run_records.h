// Records of runs that nobody made: documents come by a plan, are uploaded, wait in one line for a
// slot and pass the stages. No clock, one seed: the same record on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/run_record.h"
#include "reports/capacity_report.h"

namespace penstock {

struct PhaseShape {
  std::string name;
  double per_second = 10;       // at random; 0: all at the same moment
  std::uint64_t documents = 0;  // of the phase
  bool is_warm_up = false;
  double pause_s = 0;  // after the last arrival
};

struct RunShape {
  std::string name;
  std::vector<PhaseShape> phases;
  std::uint32_t slots = 16;  // documents that are worked on at once
  double upload_s = 0.02;
  double fixed_s = 0.04;  // in a slot: embed and store, half of it each
  double s_per_mb = 0.02;
  double cpu_share = 0.1;            // of a slot's time in extract, in cores
  double tokens_per_document = 400;  // 0: no quota
  std::uint64_t seed = 7;
};

RunRecord run_of(const RunShape& shape);

RunRecord passing_run();       // steady and two bursts of 1,000, well within the mission's targets
RunRecord failing_run();       // likewise with a slow store: uploads and starts are late
RunRecord invalid_run();       // the generator had too little CPU
RunRecord inconclusive_run();  // 3 s, 5 documents
RunRecord sweep_run();         // steps of load, the last of which are too much
RunRecord large_run();         // 100,000 documents
RunRecord hostile_run();       // whatever a document, a service or a profile may say is markup

// Upload, start, a 10 MB document, documents a day, concurrent uploads.
std::vector<Target> mission_targets();

}  // namespace penstock
