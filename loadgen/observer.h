// What became of each document, as the system itself tells it: while it is loaded, and whole
// afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/core/error.h"
#include "loadgen/content.h"
#include "loadgen/journal.h"
#include "loadgen/run_record.h"
#include "loadgen/sampler.h"

namespace penstock {

// Tells the journal of ends while it lives, from threads of its own, too.
class Observer {
 public:
  virtual ~Observer() = default;

  // What waits there now; absent: it could not be told. Asks for documents whose end nothing told
  // of, if that is due. Any thread, as is the next.
  virtual std::optional<Depth> depth() = 0;
  // Of those that are accepted and have not ended.
  virtual void ask_for_ends() = 0;
  // Afterwards. Completes the record: the arrivals' times, outcomes and endings; documents that
  // nobody brought or that are there twice; the clock.
  virtual Result<void> complete(RunRecord& run) = 0;
  // What is wrong with a document that is done; absent: it is what was sent.
  virtual std::optional<std::string> wrong_with(const Arrival& arrival, const Content& content) = 0;
};

// Until everything accepted has ended, or `until`.
void drain(Observer& observer, Journal& journal, TimePoint until);

// Compares so many done documents with what was sent.
void check_content(Observer& observer, RunRecord& run, std::uint32_t samples,
                   const ContentOf& content_of);

// For observers: what to make of a document that no acceptance told of, which has this name and is
// known as `id`. `is_alone`: nobody but the run sends documents.
void take_stranger(RunRecord& run, const std::string& name_prefix, const std::string& name,
                   const std::string& id, bool is_alone);

// Whether its words are in the text, whatever a page makes of the space between them.
bool has_phrase(std::string_view text, const std::string& phrase);

}  // namespace penstock
