// A build of penstock that a gate runs: its program, and what lies beside it.
#pragma once

#include <optional>
#include <string>

#include "loadgen/gate/gate_record.h"

namespace penstock {

struct Build {
  std::string program;                // path
  std::optional<std::string> stages;  // of bench/stages_run; absent: the build has none
  GateBuild identity;
};

// SHA-256 in hex; empty: it cannot be read.
std::string digest_of_file(const std::string& path);

// `path`: a build folder, with cli/penstock, or a program. What a program says is written into
// `log`. Throws FatalError when there is none that runs.
Build find_build(const std::string& path, const std::string& log);

}  // namespace penstock
