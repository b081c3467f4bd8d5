// What `penstock fsck` finds of a system that has ended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/premises.h"

namespace penstock {

struct Soundness {
  std::uint64_t stored_twice = 0;
  std::vector<std::string> findings;
};

// Of documents whose key begins with `key_prefix`. Blocks.
Soundness find_soundness(const Premises& premises, const StorePlace& store,
                         const std::string& key_prefix = {});

}  // namespace penstock
