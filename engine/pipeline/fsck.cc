#include "engine/pipeline/fsck.h"

#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/pipeline/store_writer.h"

namespace penstock {
namespace {

struct Expected {
  CurrentVersion current;
  VersionCount stored;
};

}  // namespace

Result<FsckReport> fsck(Ledger& ledger, VectorStore& vectors, bool repair,
                        const FsckFinding& finding) {
  FsckReport report;

  if (const Result<std::vector<Intent>> intents = ledger.intents(); !intents) {
    return pass_on(intents.error());
  } else {
    report.interrupted = intents->size();
  }
  if (repair) {
    if (const auto recovered = recover(ledger, vectors); !recovered)
      return pass_on(recovered.error());
  }
  std::unordered_set<std::string> under_way;
  const Result<std::vector<Intent>> intents = ledger.intents();
  if (!intents) return pass_on(intents.error());
  for (const Intent& intent : *intents) under_way.insert(intent.key);

  std::unordered_map<std::string, Expected> expected;
  const auto listed = ledger.for_each([&](const DocumentRecord& record) {
    ++report.documents;
    if (record.current) expected.emplace(record.claim.key, Expected{*record.current, {}});
    return true;
  });
  if (!listed) return pass_on(listed.error());

  std::set<std::string> with_stale;
  const auto walked = vectors.for_each([&](const StoredVersion& stored) {
    ++report.versions;
    const auto document = expected.find(stored.key);
    if (document != expected.end() && document->second.current.id == stored.version) {
      document->second.stored = stored.count;
    } else if (!under_way.contains(stored.key)) {
      ++report.stale;
      with_stale.insert(stored.key);
      finding(stored.key, "version " + stored.version.hex() + " is stored and not current");
    }
    return true;
  });
  if (!walked) return pass_on(walked.error());

  for (const std::string& key : with_stale) {
    if (!repair) break;
    const auto document = expected.find(key);
    const auto keep = document == expected.end()
                          ? std::optional<VersionId>()
                          : std::optional<VersionId>(document->second.current.id);
    if (const auto removed = vectors.remove_other_versions(key, keep); !removed)
      return pass_on(removed.error());
  }
  if (repair) report.repaired += report.stale;

  for (const auto& [key, document] : expected) {
    const VersionCount& stored = document.stored;
    if (stored.chunks == document.current.chunks && stored.vectors == document.current.chunks)
      continue;
    ++report.incomplete;
    finding(key, std::to_string(document.current.chunks) + " chunks expected; stored are " +
                     std::to_string(stored.chunks) + " chunks and " +
                     std::to_string(stored.vectors) + " vectors");
    if (!repair) continue;
    if (const auto put_back = ledger.put_back(key); !put_back) return pass_on(put_back.error());
    ++report.repaired;
  }
  return report;
}

}  // namespace penstock
