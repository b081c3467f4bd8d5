// No limit: what an embedder that costs nothing needs.
#pragma once

#include "engine/io/quota.h"

namespace penstock {

class NoQuota final : public Quota {
 public:
  void reserve(std::uint64_t tokens, Lane, Ready ready) override { ready(Grant{0, 0, tokens}); }
  Blame settle(const Grant&, const Receipt&) override { return Blame::request; }
  void stop() override {}
};

}  // namespace penstock
