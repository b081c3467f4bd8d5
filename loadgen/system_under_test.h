// What a run loads. Who begins to read here finds the ways into Penstock: a service (HTTP), a
// fleet's queue, and an engine in this process.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/core/process_usage.h"
#include "loadgen/destination.h"
#include "loadgen/journal.h"
#include "loadgen/observer.h"
#include "loadgen/soundness.h"

namespace penstock {

struct SystemFacts {
  std::string description;                    // for people
  bool is_ours = false;                       // it was started here, by this clock
  bool is_alone = false;                      // it holds nobody else's documents
  bool is_lexical = false;                    // it is known that searches are by words
  double generator_cores = 1;                 // that the generator's threads can use
  std::uint32_t documents_in_flight_max = 0;  // that it works on at once; 0: not known
};

// Of one thread. Made ready to be loaded: where that fails, a constructor throws FatalError.
class SystemUnderTest {
 public:
  virtual ~SystemUnderTest() = default;

  virtual const SystemFacts& facts() const = 0;
  // The one that watches, and then the one that loads; each once. The system outlives both, and the
  // journal, too. Names of this run's documents begin with `name_prefix`. Throw FatalError.
  virtual std::unique_ptr<Observer> observe(Journal& journal, const std::string& name_prefix) = 0;
  virtual std::unique_ptr<Destination> destination(Journal& journal) = 0;

  // Any thread. Absent: it is not ours to see.
  virtual std::optional<ProcessUsage> usage() const = 0;
  // It was started here, and is gone: nothing that it was sent will end. Any thread.
  virtual bool has_ended() { return false; }
  // Of the run itself. Any thread.
  virtual GeneratorUsage generator_usage() const {
    const ProcessUsage usage = process_usage(getpid());
    return {usage.cpu, usage.memory_bytes, usage.descriptors};
  }

  // Ends it, and compares its ledger with its vectors. A system that is not ours stays as it is.
  // Once, the last call.
  virtual Soundness stop() = 0;
};

}  // namespace penstock
