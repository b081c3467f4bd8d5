// What reports as JSON are made of.
#pragma once

#include <optional>
#include <vector>

#include "engine/http/json.h"
#include "loadgen/run_record.h"

namespace penstock {

// Six digits: more would be of the arithmetic, not of the run.
double rounded(double value);

// Null: absent, or not finite.
Json number(const std::optional<double>& value);

Json environment_json(const Environment& environment);

template <typename T>
Json all(const std::vector<T>& values, Json (*json_of)(const T&)) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(json_of(value));
  return array;
}

}  // namespace penstock
