#include "loadgen/observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/core/sha256.h"
#include "engine/core/uri.h"
#include "loadgen/service_answers.h"

namespace penstock {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::nanoseconds half_digit = std::chrono::microseconds(500);
// Without an end that was heard of: then it is asked for.
constexpr std::chrono::seconds silence_max{5};

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

// From the service's calendar to the run's clock. Between two sights a clock that drifts is as far
// off as halfway.
class Bridge {
 public:
  Bridge(TimePoint begin, const ClockSight& first, const ClockSight& last)
      : at_first_(first.here - begin), first_(first.there) {
    drift_ = (last.here - first.here) - (last.there - first.there);
    doubt_ =
        std::max(first.doubt, last.doubt) + nanoseconds(std::abs(drift_.count()) / 2) + half_digit;
  }

  Offset offset_of(WallTime time) const {
    return at_first_ + (time + half_digit - first_) + drift_ / 2;
  }
  nanoseconds doubt() const { return doubt_; }

 private:
  Offset at_first_;
  std::chrono::sys_time<nanoseconds> first_;
  nanoseconds drift_{0};
  nanoseconds doubt_{0};
};

// As words are compared: without what a page makes of the space between them.
std::string words_of(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!is_space) words += c;
    if (is_space && !words.empty() && words.back() != ' ') words += ' ';
  }
  return words;
}

}  // namespace

Observer::Observer(ServiceClient& service, Journal& journal, std::string name_prefix)
    : service_(service), journal_(journal), name_prefix_(std::move(name_prefix)) {
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

WallTime Observer::since() const {
  return std::chrono::floor<std::chrono::milliseconds>(first_sight_.there - first_sight_.doubt);
}

std::optional<Depth> Observer::depth() {
  if (has_missed_events_.exchange(false)) ask_for_ends();
  const Result<Json> overview = service_.get("/v1/overview");
  return overview ? depth_in(*overview) : std::nullopt;
}

void Observer::ask_for_ends() {
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

bool Observer::drain(TimePoint until) {
  for (;;) {
    const std::uint64_t waiting = journal_.counts().in_flight();
    const TimePoint now = std::chrono::steady_clock::now();
    if (waiting == 0) return true;
    if (now >= until || journal_.is_stopped()) return false;
    const bool has_moved =
        journal_.wait(std::min(until, now + silence_max),
                      [&](const Journal::Counts& counts) { return counts.in_flight() != waiting; });
    if (!has_moved) ask_for_ends();
  }
}

Result<void> Observer::complete(RunRecord& run, bool is_alone) {
  const Result<ClockSight> last_sight = service_.clock();
  if (!last_sight) return pass_on(last_sight.error());
  const Bridge bridge(journal_.begin(), first_sight_, *last_sight);
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
    take_stranger(document, is_alone, run);
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

// A document that no answer told of.
void Observer::take_stranger(const Json& document, bool is_alone, RunRecord& run) const {
  const std::string name = text_in(document, "name");
  if (!name.starts_with(name_prefix_)) {
    if (is_alone) ++run.unknown;
    return;
  }
  std::uint64_t number = run.arrivals.size();
  std::from_chars(name.data() + name_prefix_.size(), name.data() + name.size(), number);
  const Arrival* const arrival = number < run.arrivals.size() ? &run.arrivals[number] : nullptr;
  if (arrival == nullptr) {
    ++run.unknown;
  } else if (!arrival->id.empty()) {
    ++run.stored_twice;
    run.findings.push_back(fmt::format("document {} was sent once and is there twice: {} and {}",
                                       number, arrival->id, text_in(document, "id")));
  } else if (arrival->ending == Ending::refused) {
    run.findings.push_back(fmt::format("document {} was refused with {} and taken as {}", number,
                                       arrival->status, text_in(document, "id")));
  }
  // Where no answer came it may have been lost on its way: who sent it could not know.
}

// Absent: it is what was sent.
std::optional<std::string> Observer::wrong_with(const Arrival& arrival, const Content& content,
                                                bool is_lexical) const {
  const auto document = service_.get("/v1/documents/" + uri_encoded(arrival.id));
  if (!document) return document.error().message;
  Sha256Stream digest;
  for (const std::span<const char> part : content.parts) digest.add({part.data(), part.size()});
  if (text_in(*document, "sha256") != to_hex(digest.digest()))
    return "has another content than what was sent";
  if (!is_lexical || content.phrase.empty()) return std::nullopt;
  const auto found = service_.get("/v1/search?limit=100&q=" + uri_encoded(content.phrase));
  if (!found) return found.error().message;
  for (const Json& hit : found->value("hits", Json::array()))
    if (text_in(hit, "id") == arrival.id &&
        words_of(text_in(hit, "text")).find(content.phrase) != std::string::npos)
      return std::nullopt;
  return "is not found by its words \"" + content.phrase + "\"";
}

void Observer::check_content(RunRecord& run, std::uint32_t samples, const ContentOf& content_of,
                             bool is_lexical) {
  std::vector<const Arrival*> done;
  for (const Arrival& arrival : run.arrivals)
    if (arrival.ending == Ending::done && arrival.chunks > 0) done.push_back(&arrival);
  const std::size_t count = std::min<std::size_t>(samples, done.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Arrival& arrival = *done[i * done.size() / count];
    ++run.content.checked;
    const auto wrong = wrong_with(arrival, content_of(arrival.number, arrival.kind), is_lexical);
    if (!wrong) continue;
    ++run.content.wrong;
    if (run.content.first_wrong.empty())
      run.content.first_wrong =
          fmt::format("document {} ({}): {}", arrival.number, arrival.id, *wrong);
  }
}

}  // namespace penstock
