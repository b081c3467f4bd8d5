// One version of one document, as ledger and vector store name it to each other.
#pragma once

#include <compare>
#include <string>

#include "engine/core/ids.h"

namespace penstock {

struct VersionName {
  std::string key;
  VersionId version;

  auto operator<=>(const VersionName&) const = default;
};

}  // namespace penstock
