// What was uploaded to a service: which documents there are, whose, and where their bytes lie.
// Embedded: SQLite. A fleet's: Postgres. What became of a document is the ledger's.
//
// An upload is accepted in this order, whatever is killed and whenever:
//   reserve (a location) -> BlobStore::begin ... commit -> add -> Broker::enqueue -> mark_queued
// Until `add` it is not accepted, and its location stays reserved. Once it is added it is never
// lost: what is not marked as queued is enqueued again, by any front of the service.
//
// What is no entry's blob is swept: condemn (locations that were reserved long ago) ->
// BlobStore::remove -> release. A condemned location cannot be added any more, so that an upload
// that is slower than the sweep is refused, and never accepted without its bytes.
//
// A document's removal goes the same way: remove -> Broker::enqueue (a claim without a location,
// work_queue.h) -> mark_queued; when the ledger knows it no more, forget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/core/lane.h"
#include "engine/core/sha256.h"

namespace penstock {

// Texts are valid UTF-8 without a NUL. Tenant and id are 2,500 bytes together at most.
struct CatalogName {
  std::string tenant;  // no tenant sees another's
  std::string id;      // unique within its tenant

  auto operator<=>(const CatalogName&) const = default;
};

struct CatalogEntry {
  CatalogName name;
  std::string media_type;
  std::string file_name;  // for a person; may be empty
  std::uint64_t bytes = 0;
  Sha256 digest{};
  Lane lane = Lane::interactive;
  std::string metadata;  // a JSON object, or empty
  std::string region;    // of whom uploaded it; may be empty
  std::string location;  // of its blob, raw bytes; no other upload ever had it
  WallTime received{};
  // Enqueued at that time; absent: it has to be.
  std::optional<WallTime> queued;
  // Its document is to be removed, or was, and the entry is kept only until that has happened.
  bool is_removed = false;
};

struct AddedEntry {
  enum class How {
    added,     // as new
    replaced,  // another content, or other metadata, of the same id; the blob it had is condemned
    repeated,  // the same content and metadata as before; nothing has changed
    conflict,  // the idempotency key was used with another content or other metadata; likewise
  };
  How how = How::added;
  CatalogEntry entry;  // as it stands now; of a conflict, the earlier one
};

// Where a listing goes on: behind this entry.
struct CatalogCursor {
  WallTime received{};
  std::string id;
};

// What was a blob's location, and since when.
struct CondemnedBlob {
  std::string location;
  WallTime reserved{};
};

struct CatalogTotals {
  std::uint64_t documents = 0;  // without removed ones
  std::uint64_t bytes = 0;
  std::uint64_t unqueued = 0;  // removed ones too
};

// How many idempotency keys of an entry are known: those that it was added with last.
inline constexpr std::size_t keys_an_entry_max = 16;

// Where several entries are named, one "that changed" since it was read is one whose location is
// another, or that was removed: times are too coarse to tell, and machines disagree about them.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // Any thread, concurrently, for all of these; they block. Errors are retryable unless said.

  // A blob may be written at this location from now on.
  virtual Result<void> reserve(const std::string& location, WallTime now) = 0;
  // Takes the entry in, durably, not queued and not removed, and its location out of the reserved
  // ones, unless it is repeated or in conflict: then the location stays reserved, for its blob is
  // nobody's. A permanent error if the location is not reserved, or condemned: it has to be
  // uploaded again. An entry that was removed is replaced whatever its content.
  //
  // With an idempotency key (at most 255 bytes, any), a second entry of the tenant with the same
  // key is the first one's repetition, whatever its id, and whatever became of the first one since;
  // also if it was removed. The key is known as long as the entry is.
  //
  // Called again for an entry that has this very location already, as after an error that may have
  // come too late, it changes nothing and says `added`: the blob is in use.
  virtual Result<AddedEntry> add(const CatalogEntry& entry, const std::string& idempotency_key) = 0;

  // Removed ones too.
  virtual Result<std::optional<CatalogEntry>> find(const CatalogName& name) = 0;
  // In the order of the names, which may repeat.
  virtual Result<std::vector<std::optional<CatalogEntry>>> find(
      std::span<const CatalogName> names) = 0;
  // Without removed ones, the last received first, ids descending among equals; at most
  // `entries_max` behind the cursor.
  virtual Result<std::vector<CatalogEntry>> list(const std::string& tenant,
                                                 const std::optional<CatalogCursor>& after,
                                                 std::size_t entries_max) = 0;

  // Leaves alone those that changed, or are queued already.
  virtual Result<void> mark_queued(std::span<const CatalogEntry> entries, WallTime now) = 0;
  // Those received before and not queued, removed ones too, the oldest first.
  virtual Result<std::vector<CatalogEntry>> unqueued(WallTime received_before,
                                                     std::size_t entries_max) = 0;

  // Marks it as removed, received now and not queued; its blob's location is reserved from now on,
  // and condemned. Absent if there is none, or it was removed before.
  virtual Result<std::optional<CatalogEntry>> remove(const CatalogName& name, WallTime now) = 0;
  // Removed entries that are queued, the oldest first; those behind `after`, which was one of them.
  virtual Result<std::vector<CatalogEntry>> removed(const std::optional<CatalogEntry>& after,
                                                    std::size_t entries_max) = 0;
  // Drops those that are removed, with their idempotency keys, unless they changed.
  virtual Result<void> forget(std::span<const CatalogEntry> entries) = 0;

  // Locations that were reserved before, the oldest first, condemned already or not; those behind
  // `after`, which was one of them. They are from now on, until they are released: their blobs are
  // to be removed.
  virtual Result<std::vector<CondemnedBlob>> condemn(WallTime before,
                                                     const std::optional<CondemnedBlob>& after,
                                                     std::size_t blobs_max) = 0;
  // Their blobs are gone: they are not reserved any more.
  virtual Result<void> release(std::span<const std::string> locations) = 0;

  // Of all tenants if it is empty.
  virtual Result<CatalogTotals> totals(const std::string& tenant) = 0;
};

}  // namespace penstock
