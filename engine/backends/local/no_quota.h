// No limit: what an embedder that costs nothing needs.
#pragma once

#include "engine/io/quota.h"

namespace penstock {

class NoQuota final : public Quota {
 public:
  void reserve(std::uint64_t, Ready ready) override { ready({}); }
};

}  // namespace penstock
