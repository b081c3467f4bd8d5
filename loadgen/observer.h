// What became of each document, as the service itself tells it: by events while it is loaded, and
// whole and from its catalog afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "loadgen/content.h"
#include "loadgen/journal.h"
#include "loadgen/sampler.h"
#include "loadgen/service_client.h"

namespace penstock {

class Observer {
 public:
  // Looks at the clock, and hears events from now on. All outlive it. Throws FatalError if the
  // service does not let it.
  Observer(ServiceClient& service, Journal& journal, std::string name_prefix);

  // What waits there now. Asks for documents whose end no event told of, if that is due.
  std::optional<Depth> depth();

  // Until everything accepted has ended, or `until`; whether it has.
  bool drain(TimePoint until);

  // Completes the record: the arrivals' times, outcomes and endings; documents that nobody brought
  // or that are there twice; the clock. `is_alone`: nobody else sends documents.
  Result<void> complete(RunRecord& run, bool is_alone);
  // Compares so many done documents with what was sent; where search is by words (`is_lexical`),
  // their phrases are looked for, too.
  void check_content(RunRecord& run, std::uint32_t samples, const ContentOf& content_of,
                     bool is_lexical);

 private:
  // Of those that are accepted and have not ended, by the service's pages.
  void ask_for_ends();
  void take_stranger(const Json& document, bool is_alone, RunRecord& run) const;
  std::optional<std::string> wrong_with(const Arrival& arrival, const Content& content,
                                        bool is_lexical) const;
  // Nothing that the service received before is this run's.
  WallTime since() const;

  ServiceClient& service_;
  Journal& journal_;
  const std::string name_prefix_;
  ClockSight first_sight_;
  std::chrono::sys_time<std::chrono::nanoseconds> first_wall_;
  std::atomic<bool> has_missed_events_{false};
};

}  // namespace penstock
