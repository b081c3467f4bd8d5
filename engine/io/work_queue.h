// Where the pipeline's work comes from. Embedded: a walk over folders, files and lists, or the
// documents that the ledger holds as pending. A fleet's: one lane of a broker (broker.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/outcome.h"

namespace penstock {

// What a file system or an object store tells about a file's content without reading it. Equal
// stamps mean equal content; a default stamp equals nothing and says "read it".
struct SourceStamp {
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  // 0: not known well enough to be trusted. Of an object: a digest of its ETag.
  std::int64_t changed_ns = 0;

  bool operator==(const SourceStamp&) const = default;

  bool proves_unchanged_since(const SourceStamp& earlier) const {
    return changed_ns != 0 && bytes == earlier.bytes && modified_ns == earlier.modified_ns &&
           changed_ns == earlier.changed_ns;
  }
};

// A worker's temporary right to a document.
struct Claim {
  std::string key;       // the document's stable name, valid UTF-8; for a file its absolute path
  std::string location;  // what the blob store reads: raw bytes, a file's path; empty: a removal
  std::string metadata;  // a JSON object, or empty
  SourceStamp stamp;
  // Another attempt is asked for: a failure that the ledger knows of this content does not stand.
  bool again = false;

  // Of a document that is to be taken out of ledger and vectors, for good. To a broker it is one
  // more content of the document, never the same as another; when that has happened, it is `done`.
  bool is_removal() const { return location.empty(); }
};

class WorkQueue {
 public:
  virtual ~WorkQueue() = default;

  // The next document; blocks until there is one. Absent once the work is exhausted or close() was
  // called, and from then on. Called from one thread. A source that cannot be listed (a folder
  // without permission) is claimed like a document, and fails when it is read: it must be counted.
  virtual std::optional<Claim> claim() = 0;

  // The document has its outcome, and the ledger has it durably; `message` is the outcome's. A
  // claim that is never acknowledged, because the process died, is handed out again: by the next
  // run, or to another worker. Must not block. Any thread.
  virtual void acknowledge(const Claim& claim, Outcome outcome, const std::string& message) = 0;

  // The document got no outcome here, through no fault of its own: whoever comes next may take it
  // at once. Must not block. Any thread.
  virtual void give_back(const Claim& claim) = 0;

  // Of each of these documents, whether the claim is this worker's still: if so, nobody else has
  // been given the document since. A worker that stood still may find that its claim has ended and
  // the document has gone on without it; one without leases has all that it claimed. A server that
  // cannot be reached is waited for until close(), and then nothing is held. Any thread.
  virtual std::vector<bool> holds(std::span<const std::string> keys) {
    return std::vector<bool>(keys.size(), true);
  }

  // Makes claim() return absent soon, also when it is blocked. Any thread.
  virtual void close() = 0;
};

}  // namespace penstock
