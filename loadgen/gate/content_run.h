// Has both builds read a corpus of all kinds of documents, and compares what they made of it.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "loadgen/gate/build.h"
#include "loadgen/gate/gate_record.h"
#include "loadgen/gate/job.h"

namespace penstock {

// Embeds with lexical:, whatever the job does: text and chunks do not depend on it. Sets the
// record's content, or adds to what is missing why it could not be compared. Ends early, without
// content, when `interrupted` becomes true. Throws FatalError when a build does not do its work.
// Blocks, on the thread that ends last.
void compare_content_of(const Build& baseline, const Build& candidate, const GateJob& job,
                        const std::string& folder, const std::atomic<bool>& interrupted,
                        GateRecord& record);

// What `penstock export` prints of a store. Absent: the build has no such command.
std::optional<std::string> export_of(const Build& build, const std::string& store,
                                     const std::string& folder, bool documents_only);

}  // namespace penstock
