// The provider that a system embeds with which a run starts: `penstock emulate openai`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/process_usage.h"
#include "loadgen/child.h"
#include "loadgen/profile.h"
#include "loadgen/run_folder.h"
#include "loadgen/run_record.h"

namespace penstock {

class EmulatedProvider {
 public:
  // Starts it. `program`: this one's path. Throws FatalError when it does not start. From the
  // thread that ends last. The folder outlives it.
  EmulatedProvider(const ProviderPlan& plan, std::uint64_t seed, const std::string& program,
                   const RunFolder& folder);

  // Options of a command that embeds with it.
  std::vector<std::string> arguments() const;
  // ", emulated provider with 2 keys"
  std::string description() const;
  ProcessUsage usage() const { return tree_usage(process_.pid()); }

  // Begins the keys' accounts anew. Blocks.
  Result<void> reset();
  // What they let through since then. Blocks.
  Result<std::vector<KeyRecord>> use();

 private:
  const ProviderPlan plan_;
  const std::string keys_file_;
  Child process_;
  const std::string url_;
};

}  // namespace penstock
