// The work that both builds of a gate do: docs/gate.md tells of each key of its file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/profile.h"

namespace penstock {

struct GateJob {
  std::string name;
  std::uint64_t seed = 1;
  std::vector<DocumentKind> kinds;
  std::uint64_t documents = 0;
  std::optional<ProviderPlan> provider;  // absent: lexical:
  std::map<std::string, double> floors;  // by metric, where they are not its own
};

// Sized so that a run takes seconds: less would be start-up and noise.
GateJob default_job();
// Throws FatalError with one line that names file, key and what is wrong with it.
GateJob read_job(const std::string& path);

// Of a corpus that was written.
struct CorpusSize {
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;
};

// Writes the documents into `folder`, which exists: the same for the same job. Throws FatalError.
CorpusSize write_corpus(const GateJob& job, const std::string& folder);
// Likewise what content is compared by: documents of all kinds that fixtures/ makes (layouts,
// scripts, fonts, encrypted, broken), and some of the job's.
CorpusSize write_content_corpus(const GateJob& job, const std::string& folder);

}  // namespace penstock
