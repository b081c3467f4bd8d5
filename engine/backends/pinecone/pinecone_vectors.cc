#include "engine/backends/pinecone/pinecone_vectors.h"

#include <simdjson.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <set>
#include <tuple>
#include <utility>

#include "engine/backends/pinecone/index_answers.h"
#include "engine/backends/pinecone/index_requests.h"
#include "engine/backends/pinecone/record_id.h"
#include "engine/backends/pinecone/upsert_bodies.h"
#include "engine/backends/pinecone/version_visits.h"
#include "engine/http/json_string.h"
#include "engine/io/stored_model.h"

namespace penstock {
namespace {

// Whoever starts a command waits no longer for a service that is out of order.
constexpr std::chrono::seconds open_patience{5};
// Matches whose metadata, as large as it may be, fit in the 4 MB of an answer.
constexpr std::size_t matches_that_fit = 90;

using More = std::vector<IndexRequest>;

// Cosine needs a direction, whichever.
std::vector<float> some_direction(std::size_t dimensions) {
  std::vector<float> vector(dimensions);
  vector.at(0) = 1;
  return vector;
}

void require(const Result<void>& done) {
  if (!done) throw FatalError(done.error().message);
}

}  // namespace

PineconeVectors::PineconeVectors(const PineconeOptions& options, const std::string& model,
                                 std::size_t dimensions)
    : client_(options) {
  const IndexStats stats = open();
  if (dimensions_ != dimensions)
    throw FatalError(client_.about("the index has vectors of " + std::to_string(dimensions_) +
                                   " dimensions, and " + model + " makes such of " +
                                   std::to_string(dimensions) + "; create an index for them"));
  require_model(model, dimensions);
  // Also if it is there: the number of this write is above those of all that were written before,
  // by whomever, so that waiting for it shows them.
  require(write_model(description_of_model(model, dimensions)));
  require(wait_until_visible());
  require_model(model, dimensions);
}

PineconeVectors::PineconeVectors(const PineconeOptions& options) : client_(options) {
  open();
}

IndexStats PineconeVectors::open() {
  IndexStats stats;
  const auto take = [&](HttpResponse& response, More&) -> Result<void> {
    Result<IndexStats> read = read_index_stats(response.body);
    if (!read) return pass_on(read.error());
    stats = *std::move(read);
    return {};
  };
  require(
      client_.run({stats_request(take)}, std::min<Duration>(client_.patience(), open_patience)));
  if (stats.dimensions == 0)
    throw FatalError(client_.about("not an index of dense vectors; create one"));
  if (!stats.metric.empty() && stats.metric != "cosine" && stats.metric != "dotproduct")
    throw FatalError(client_.about("the index compares by " + stats.metric +
                                   "; create one whose metric is cosine"));
  dimensions_ = stats.dimensions;
  return stats;
}

Result<std::optional<std::string>> PineconeVectors::stored_model() {
  std::optional<std::string> model;
  const auto take = [&](HttpResponse& response, More&) -> Result<void> {
    const auto records = read_fetched(response.body);
    if (!records) return pass_on(records.error());
    for (const FetchedRecord& record : *records)
      if (record.id == model_record_id) model = record.model.value_or("");
    return {};
  };
  if (const auto done = client_.run({fetch_request(space(), {std::string(model_record_id)}, take)});
      !done)
    return pass_on(done.error());
  return model;
}

void PineconeVectors::require_model(const std::string& model, std::size_t dimensions) {
  const std::string wanted = description_of_model(model, dimensions);
  const auto stored = stored_model();
  if (!stored) throw FatalError(stored.error().message);
  if (*stored && **stored != wanted)
    throw FatalError(client_.about(refusal_of_model(**stored, wanted)));
}

Result<void> PineconeVectors::write_model(const std::string& description) {
  std::string json = R"({"vectors":[{"id":)";
  append_json_string(json, model_record_id);
  json += R"(,"values":)";
  append_vector(json, some_direction(dimensions_));
  json += R"(,"metadata":{"model":)";
  append_json_string(json, description);
  json += R"(}}],"namespace":)";
  append_json_string(json, space());
  json += '}';
  return client_.run(
      {IndexRequest{"POST", "/vectors/upsert", std::move(json),
                    [this](HttpResponse& response, More&) { return note_write(response); }}});
}

Result<void> PineconeVectors::note_write(const HttpResponse& response) {
  const auto lsn = read_lsn(response.headers, "x-pinecone-request-lsn");
  if (!lsn)
    return permanent_error(
        "the answer to a write has no x-pinecone-request-lsn, so nothing tells when it is visible; "
        "only serverless indexes will do");
  std::uint64_t before = lsn_written_;
  while (before < *lsn && !lsn_written_.compare_exchange_weak(before, *lsn)) {
  }
  return {};
}

Result<void> PineconeVectors::require_visible(const HttpResponse& response) {
  const auto lsn = read_lsn(response.headers, "x-pinecone-max-indexed-lsn");
  if (lsn.value_or(0) < lsn_written_) return retryable_error("what was written is not visible yet");
  std::uint64_t before = lsn_visible_;
  while (before < *lsn && !lsn_visible_.compare_exchange_weak(before, *lsn)) {
  }
  return {};
}

Result<void> PineconeVectors::wait_until_visible() {
  if (lsn_visible_ >= lsn_written_) return {};
  return client_.run(
      {query_request(space(), some_direction(dimensions_), 1, false, {},
                     [this](HttpResponse& response, More&) { return require_visible(response); })});
}

Result<void> PineconeVectors::upsert(std::span<const VersionChunks> versions) {
  for (const VersionChunks& version : versions) {
    assert(version.vectors.size() == version.chunks.size() * dimensions_);
    if (!simdjson::validate_utf8(version.key.data(), version.key.size()))
      return permanent_error(client_.about(version.key + ": a name that is not UTF-8, which the "
                                                         "service does not take; rename it"));
    uncounted_[version_prefix({version.key, version.version})] = version.chunks.size();
  }
  UpsertBodies bodies(versions, space());
  return client_.run([&]() -> std::optional<IndexRequest> {
    std::optional<UpsertBodies::Body> body = bodies.next();
    if (!body) return std::nullopt;
    const auto take = [this, records = body->records](HttpResponse& response,
                                                      More&) -> Result<void> {
      const Result<std::uint64_t> count = read_upserted_count(response.body);
      if (!count) return pass_on(count.error());
      if (*count != records)
        return retryable_error("took " + std::to_string(*count) + " of " + std::to_string(records) +
                               " records");
      return note_write(response);
    };
    return IndexRequest{"POST", "/vectors/upsert", std::move(body->json), take};
  });
}

Result<std::vector<VersionCount>> PineconeVectors::count(std::span<const VersionName> versions) {
  if (const auto done = wait_until_visible(); !done) return pass_on(done.error());
  std::vector<VersionCount> counts(versions.size());
  std::vector<std::string> surplus;
  std::vector<IndexRequest> lists;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const std::string prefix = version_prefix(versions[i]);
    const auto written = uncounted_.find(prefix);
    const std::uint64_t end = written == uncounted_.end() ? UINT64_MAX : written->second;
    lists.push_back(list_request(space(), prefix,
                                 [&, i, end](const std::vector<std::string>& ids, bool, More&) {
                                   for (const std::string& id : ids) {
                                     const std::optional<RecordId> parsed = parse_record_id(id);
                                     if (parsed && parsed->ordinal >= end) {
                                       surplus.push_back(id);
                                     } else if (parsed) {
                                       ++counts[i].chunks;
                                       ++counts[i].vectors;
                                     }
                                   }
                                   return true;
                                 }));
  }
  if (const auto done = client_.run(std::move(lists)); !done) return pass_on(done.error());
  if (const auto done = remove_records(surplus); !done) return pass_on(done.error());
  for (const VersionName& version : versions) uncounted_.erase(version_prefix(version));
  return counts;
}

Result<void> PineconeVectors::remove(std::span<const VersionName> versions) {
  // What is not visible yet would be left behind.
  if (auto done = wait_until_visible(); !done) return done;
  std::vector<std::string> ids;
  std::vector<IndexRequest> lists;
  for (const VersionName& version : versions) {
    const std::string prefix = version_prefix(version);
    uncounted_.erase(prefix);
    lists.push_back(
        list_request(space(), prefix, [&](const std::vector<std::string>& page, bool, More&) {
          ids.insert(ids.end(), page.begin(), page.end());
          return true;
        }));
  }
  if (auto done = client_.run(std::move(lists)); !done) return done;
  return remove_records(ids);
}

Result<void> PineconeVectors::remove_records(const std::vector<std::string>& ids) {
  std::size_t at = 0;
  return client_.run([&]() -> std::optional<IndexRequest> {
    if (at == ids.size()) return std::nullopt;
    const auto batch = std::span(ids).subspan(at, std::min(delete_ids_max, ids.size() - at));
    at += batch.size();
    return delete_request(space(), batch, [this](HttpResponse& response, More&) -> Result<void> {
      if (auto read = read_deleted(response.body); !read) return read;
      // A namespace that is not there needs no deletion.
      return response.status == 404 ? Result<void>() : note_write(response);
    });
  });
}

Result<std::vector<Hit>> PineconeVectors::search(
    std::span<const float> query, std::size_t hits_max,
    const std::function<bool(const std::string&)>& accept) {
  assert(query.size() == dimensions_);
  if (hits_max == 0) return std::vector<Hit>();
  // One more for the record of the model, which may be among them.
  std::size_t matches_max = hits_max + 1;
  if (accept) matches_max = std::max(matches_max, matches_that_fit);
  matches_max = std::min(matches_max, matches_with_metadata_max);

  std::set<std::string> rejected;
  std::vector<Hit> accepted;
  // Ends: a round that is not the last rejects a document that no round before rejected.
  for (bool is_last = false; !is_last;) {
    Matches matches;
    const auto take = [&](HttpResponse& response, More&) -> Result<void> {
      if (auto visible = require_visible(response); !visible) return visible;
      Result<Matches> read = read_matches(response.body);
      if (!read) return pass_on(read.error());
      matches = *std::move(read);
      return {};
    };
    if (const auto done =
            client_.run({query_request(space(), query, matches_max, true, rejected, take)});
        !done)
      return pass_on(done.error());

    const std::size_t rejected_before = rejected.size();
    accepted.clear();
    for (Hit& hit : matches.hits) {
      if (!accept || accept(hit.key)) {
        accepted.push_back(std::move(hit));
      } else {
        rejected.insert(std::move(hit.key));
      }
    }
    is_last = accepted.size() >= hits_max || matches.count < matches_max ||
              rejected.size() == rejected_before || rejected.size() > keys_left_out_max;
  }
  std::ranges::sort(accepted, [](const Hit& a, const Hit& b) {
    return std::tie(b.score, a.key, a.version, a.chunk.ordinal) <
           std::tie(a.score, b.key, b.version, b.chunk.ordinal);
  });
  if (accepted.size() > hits_max) accepted.resize(hits_max);
  return accepted;
}

Result<void> PineconeVectors::for_each(const std::function<bool(const StoredVersion&)>& visit) {
  if (auto done = wait_until_visible(); !done) return done;
  return visit_versions(client_, visit);
}

Result<VersionCount> PineconeVectors::totals() {
  if (const auto done = wait_until_visible(); !done) return pass_on(done.error());
  const auto model = stored_model();
  if (!model) return pass_on(model.error());
  std::uint64_t records = 0;
  const auto take = [&](HttpResponse& response, More&) -> Result<void> {
    const Result<IndexStats> stats = read_index_stats(response.body);
    if (!stats) return pass_on(stats.error());
    records = stats->records_in(space());
    return {};
  };
  if (const auto done = client_.run({stats_request(take)}); !done) return pass_on(done.error());
  if (*model && records > 0) --records;
  return VersionCount{records, records};
}

}  // namespace penstock
