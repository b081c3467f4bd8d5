#include "reports/json_parts.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace penstock {

double rounded(double value) {
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}

Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(rounded(*value)) : Json(nullptr);
}

Json environment_json(const Environment& environment) {
  return {{"machine", environment.machine},
          {"cores", environment.cores},
          {"memory_bytes", environment.memory_bytes},
          {"system", environment.system},
          {"version", environment.version},
          {"build", environment.build},
          {"started", environment.started},
          {"load_before", rounded(environment.load_before)}};
}

}  // namespace penstock
