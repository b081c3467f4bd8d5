#include "engine/pipeline/fsck.h"

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

  std::unordered_set<std::string> under_way;
  const Result<std::vector<VersionName>> intents = ledger.intents();
  if (!intents) return pass_on(intents.error());
  for (const VersionName& intent : *intents) under_way.insert(intent.key);
  report.interrupted = under_way.size();
  if (repair) {
    if (const auto recovered = recover(ledger, vectors); !recovered)
      return pass_on(recovered.error());
    under_way.clear();
  }

  std::unordered_map<std::string, Expected> expected;
  const auto listed = ledger.for_each([&](const DocumentRecord& record) {
    ++report.documents;
    if (record.current) expected.emplace(record.claim.key, Expected{*record.current, {}});
    return true;
  });
  if (!listed) return pass_on(listed.error());

  std::vector<VersionName> stale;
  const auto walked = vectors.for_each([&](const StoredVersion& stored) {
    ++report.versions;
    const auto& [key, version] = stored.name;
    const auto document = expected.find(key);
    if (document != expected.end() && document->second.current.id == version) {
      document->second.stored = stored.count;
    } else if (!under_way.contains(key)) {
      stale.push_back(stored.name);
      finding(key, "version " + version.hex() + " is stored and not current");
    }
    return true;
  });
  if (!walked) return pass_on(walked.error());

  report.stale = stale.size();
  if (repair) {
    if (const auto removed = vectors.remove(stale); !removed) return pass_on(removed.error());
    report.repaired += report.stale;
  }

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
