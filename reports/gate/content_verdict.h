// What differs in the content that two builds made of the same documents, and how much may.
#pragma once

#include <vector>

#include "reports/gate/gate_report.h"

namespace penstock {

// Extraction does the same twice: any difference is of the builds. So it needs no test, and the
// limits are about what a reader or a search would notice:
//
// - never: a document without an outcome, one that was done and is not, a chunk that is there
// twice.
// - unless the record accepts content: words lost beyond 1 in 100,000; words added or moved beyond
//   1 in 1,000, which is what a heading in another place makes; other chunks or tokens of the same
//   words; 1% more tokens or chunks of other words, because each is paid for; any search that
//   answers otherwise.
//
// Empty: the record has no documents.
std::vector<ContentResult> judge_content(const GateRecord& record);

}  // namespace penstock
