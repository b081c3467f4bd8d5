#include "engine/backends/pinecone/version_visits.h"

#include <array>
#include <unordered_map>
#include <utility>

#include "engine/backends/pinecone/index_answers.h"
#include "engine/backends/pinecone/index_requests.h"
#include "engine/backends/pinecone/record_id.h"

namespace penstock {
namespace {

// What begins with a digit is listed by itself, all of them at once. A list is in the order of its
// ids, so that a version's are together, if on several pages.
class Visits {
 public:
  Visits(const IndexClient& client, const std::function<bool(const StoredVersion&)>& visit)
      : client_(client), visit_(visit) {}

  Result<void> run() {
    std::vector<IndexRequest> lists;
    for (std::size_t i = 0; i < listings_.size(); ++i)
      lists.push_back(list_request(space(), std::string(1, hex_digits[i]),
                                   [this, i](const std::vector<std::string>& ids, bool is_last,
                                             std::vector<IndexRequest>& more) {
                                     return take(listings_[i], ids, is_last, more);
                                   }));
    return client_.run(std::move(lists));
  }

 private:
  static constexpr std::string_view hex_digits = "0123456789abcdef";

  struct Found {
    std::string id;  // of its first record
    VersionId version;
    std::uint64_t records = 0;
  };

  const std::string& space() const { return client_.address().space; }

  // False when the visitor has enough.
  bool take(Found& listing, const std::vector<std::string>& ids, bool is_last,
            std::vector<IndexRequest>& more) {
    for (const std::string& id : ids) {
      const std::optional<RecordId> parsed = parse_record_id(id);
      if (!parsed) continue;
      if (listing.records > 0 && listing.id.starts_with(parsed->prefix)) {
        ++listing.records;
      } else {
        add(std::exchange(listing, {id, parsed->version, 1}), more);
      }
    }
    if (!is_last) return !is_enough_;
    add(std::exchange(listing, {}), more);
    if (++listings_done_ == listings_.size()) fetch_keys(more);
    return false;
  }

  void add(Found found, std::vector<IndexRequest>& more) {
    if (found.records == 0 || is_enough_) return;
    found_.push_back(std::move(found));
    if (found_.size() == fetch_ids_max) fetch_keys(more);
  }

  void fetch_keys(std::vector<IndexRequest>& more) {
    if (found_.empty()) return;
    std::vector<std::string> ids;
    std::unordered_map<std::string, Found> by_id;
    for (Found& found : std::exchange(found_, {})) {
      ids.push_back(found.id);
      by_id.emplace(ids.back(), std::move(found));
    }
    more.push_back(fetch_request(
        space(), ids,
        [this, by_id = std::move(by_id)](HttpResponse& response,
                                         std::vector<IndexRequest>&) -> Result<void> {
          const auto records = read_fetched(response.body);
          if (!records) return pass_on(records.error());
          for (const FetchedRecord& record : *records) {
            const auto found = by_id.find(record.id);
            if (is_enough_ || found == by_id.end() || !record.key) continue;
            const std::uint64_t count = found->second.records;
            is_enough_ = !visit_({{*record.key, found->second.version}, {count, count}});
          }
          return {};
        }));
  }

  const IndexClient& client_;
  const std::function<bool(const StoredVersion&)>& visit_;
  std::array<Found, hex_digits.size()>
      listings_;  // the last version of each, as far as it is known
  std::size_t listings_done_ = 0;
  std::vector<Found> found_;  // whose keys are to be fetched
  bool is_enough_ = false;
};

}  // namespace

Result<void> visit_versions(const IndexClient& client,
                            const std::function<bool(const StoredVersion&)>& visit) {
  return Visits(client, visit).run();
}

}  // namespace penstock
