#include "loadgen/service_observer.h"

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/core/sha256.h"
#include "engine/core/uri.h"
#include "loadgen/service_answers.h"

namespace penstock {
namespace {

// Calls `take` for every document that was received since `since`, the last one first.
Result<void> for_each_since(ServiceClient& service, WallTime since,
                            const std::function<void(const Json&)>& take) {
  for (std::string cursor;;) {
    const Result<Json> page =
        service.get("/v1/documents?limit=500" +
                    (cursor.empty() ? std::string() : "&cursor=" + uri_encoded(cursor)));
    if (!page) return pass_on(page.error());
    const auto documents = page->find("documents");
    if (documents == page->end() || !documents->is_array())
      return permanent_error(service.url() + "/v1/documents lists no documents");
    for (const Json& document : *documents) {
      if (!document.is_object() || !document.contains("timeline")) continue;
      const auto received = time_in(document["timeline"], "received");
      if (received && *received < since) return {};
      take(document);
    }
    cursor = text_in(*page, "next");
    if (cursor.empty()) return {};
  }
}

}  // namespace

ServiceObserver::ServiceObserver(ServiceClient& service, Journal& journal, std::string name_prefix,
                                 const SystemFacts& facts)
    : service_(service), journal_(journal), name_prefix_(std::move(name_prefix)), facts_(facts) {
  const Result<ClockSight> sight = service_.clock();
  if (!sight) throw FatalError(sight.error().message);
  first_sight_ = *sight;
  first_wall_ =
      std::chrono::system_clock::now() - (std::chrono::steady_clock::now() - first_sight_.here);
  service_.listen(
      [this](const Json& event) {
        if (text_in(event, "milestone") == "done") journal_.ended(text_in(event, "id"));
      },
      [this] { has_missed_events_ = true; });
}

ServiceObserver::~ServiceObserver() {
  service_.stop_listening();
}

WallTime ServiceObserver::since() const {
  return std::chrono::floor<std::chrono::milliseconds>(first_sight_.there - first_sight_.doubt);
}

std::optional<Depth> ServiceObserver::depth() {
  if (has_missed_events_.exchange(false)) ask_for_ends();
  const Result<Json> overview = service_.get("/v1/overview");
  return overview ? depth_in(*overview) : std::nullopt;
}

void ServiceObserver::ask_for_ends() {
  const std::vector<std::string> waited_for = journal_.unended();
  std::unordered_set<std::string> listed;
  const auto seen = for_each_since(service_, since(), [&](const Json& document) {
    const std::string id = text_in(document, "id");
    if (has_ended(document)) journal_.ended(id);
    listed.insert(id);
  });
  if (!seen) return;
  // What the service does not know is not waited for.
  for (const std::string& id : waited_for) {
    if (listed.contains(id)) continue;
    const Result<Json> document = service_.get("/v1/documents/" + uri_encoded(id));
    if (!document && document.error().kind == ErrorKind::permanent) journal_.ended(id);
  }
}

Result<void> ServiceObserver::complete(RunRecord& run) {
  const Result<ClockSight> last_sight = service_.clock();
  if (!last_sight) return pass_on(last_sight.error());
  const ClockBridge bridge(journal_.begin(), first_sight_, *last_sight);
  const auto offset_of = [&](WallTime time) { return bridge.offset_of(time); };
  run.clock = {first_sight_.there - first_wall_, bridge.doubt()};

  std::unordered_map<std::string, std::size_t> place_of;  // by id
  for (Arrival& arrival : run.arrivals) {
    if (!arrival.id.empty() && !place_of.try_emplace(arrival.id, arrival.number).second) {
      arrival.ending = Ending::lost;
      arrival.message = "it was answered with another document's id";
    }
  }
  std::vector<bool> is_known(run.arrivals.size());
  const auto listed = for_each_since(service_, since(), [&](const Json& document) {
    const auto place = place_of.find(text_in(document, "id"));
    if (place != place_of.end()) {
      is_known[place->second] = true;
      return take_document(run.arrivals[place->second], document, offset_of);
    }
    take_stranger(run, name_prefix_, text_in(document, "name"), text_in(document, "id"),
                  facts_.is_alone);
  });
  if (!listed) return pass_on(listed.error());
  for (const auto& [id, place] : place_of) {
    if (is_known[place]) continue;
    const Result<Json> document = service_.get("/v1/documents/" + uri_encoded(id));
    if (document && document->contains("timeline")) {
      take_document(run.arrivals[place], *document, offset_of);
    } else {
      run.arrivals[place].ending = Ending::lost;
      run.arrivals[place].message = document ? "it has no timeline" : document.error().message;
    }
  }
  return {};
}

std::optional<std::string> ServiceObserver::wrong_with(const Arrival& arrival,
                                                       const Content& content) {
  const auto document = service_.get("/v1/documents/" + uri_encoded(arrival.id));
  if (!document) return document.error().message;
  Sha256Stream digest;
  for (const std::span<const char> part : content.parts) digest.add({part.data(), part.size()});
  if (text_in(*document, "sha256") != to_hex(digest.digest()))
    return "has another content than what was sent";
  if (!facts_.is_lexical || content.phrase.empty()) return std::nullopt;
  const auto found = service_.get("/v1/search?limit=100&q=" + uri_encoded(content.phrase));
  if (!found) return found.error().message;
  for (const Json& hit : found->value("hits", Json::array()))
    if (text_in(hit, "id") == arrival.id && has_phrase(text_in(hit, "text"), content.phrase))
      return std::nullopt;
  return "is not found by its words \"" + content.phrase + "\"";
}

}  // namespace penstock
