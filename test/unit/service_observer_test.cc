// A service that tells what it is told to, watched.
#include "loadgen/service_observer.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/sha256.h"
#include "engine/http/http_server.h"
#include "engine/service/document_view.h"
#include "test/support/catch.h"
#include "test/support/http_peers.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

// Its clock is an hour ahead.
class Service {
 public:
  Service()
      : http_({.threads = 2}, [this](const ServedRequest& request, const Responder& responder) {
          answer(request, responder);
        }) {}

  std::string url() const { return "http://" + http_.address(); }

  static WallTime now() { return wall_now() + 1h; }
  Json document(const std::string& id, const std::string& name, const std::string& state) const {
    return {{"id", id},
            {"name", name},
            {"state", state},
            {"outcome", state},
            {"timeline", {{"received", text_of(now())}, {"done", text_of(now())}}}};
  }
  // Listed from now on, before those that were.
  void list(Json document) {
    change([&] { listed_.insert(listed_.begin(), std::move(document)); });
  }
  // Found by its id alone.
  void hide(const Json& document) {
    change([&] { hidden_[document["id"]] = document; });
  }
  void hit(Json found) {
    change([&] { hits_.push_back(std::move(found)); });
  }
  // To who listens; waits for one.
  void say(const Json& event) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return listener_.has_value(); });
    listener_->write("data: " + json_text(event) + "\n\n");
  }
  void break_stream() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return listener_.has_value(); });
    listener_->abort();
    listener_.reset();
  }

 private:
  template <typename Change>
  void change(const Change& change) {
    const std::lock_guard lock(mutex_);
    change();
  }

  void answer(const ServedRequest& request, const Responder& responder) {
    const std::string path = request.target.substr(0, request.target.find('?'));
    const std::lock_guard lock(mutex_);
    const auto respond = [&](const Json& body) { responder.respond(200, {}, json_text(body)); };
    if (path == "/v1/overview")
      return respond({{"now", text_of(now())},
                      {"queue", {{"bulk", {{"waiting", 3}, {"delayed", 1}, {"leased", 2}}}}}});
    if (path == "/v1/events") {
      responder.begin(200, {{"Content-Type", "text/event-stream"}}, std::nullopt);
      responder.write(": hello\n\n");
      listener_ = responder;
      changed_.notify_all();
      return;
    }
    if (path == "/v1/search") return respond({{"hits", hits_}});
    if (path == "/v1/documents") {
      // Two a page.
      const std::size_t cursor = request.target.find("cursor=");
      const std::size_t begin =
          cursor == std::string::npos ? 0 : std::stoul(request.target.substr(cursor + 7));
      Json page = {{"documents", Json::array()}, {"next", nullptr}};
      for (std::size_t i = begin; i < listed_.size() && i < begin + 2; ++i)
        page["documents"].push_back(listed_[i]);
      if (begin + 2 < listed_.size()) page["next"] = std::to_string(begin + 2);
      return respond(page);
    }
    const std::string id = path.substr(std::string("/v1/documents/").size());
    for (const Json& document : listed_)
      if (document["id"] == id) return respond(document);
    if (const auto found = hidden_.find(id); found != hidden_.end()) return respond(found->second);
    responder.respond(404, {}, R"({"detail":"there is no such document"})");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::vector<Json> listed_;
  std::map<std::string, Json> hidden_;
  Json hits_ = Json::array();
  std::optional<Responder> listener_;

  HttpServer http_;
};

// A run of documents run-0, run-1 ..., each accepted as d0, d1 ...
struct World {
  std::string accept() { return accept_as("d" + std::to_string(next_++)); }
  std::string accept_as(const std::string& id) {
    const std::uint64_t number = journal.due({});
    journal.issued(number);
    journal.accepted(number, 202, id);
    return id;
  }
  void wait(std::uint64_t ended) {
    journal.wait(TimePoint::max(),
                 [ended](const Journal::Counts& counts) { return counts.ended == ended; });
  }
  RunRecord complete() {
    RunRecord run;
    run.arrivals = journal.take();
    REQUIRE(observer.complete(run).has_value());
    return run;
  }

  Service service;
  ServiceClient client{service.url(), Secret()};
  Journal journal{std::chrono::steady_clock::now()};
  SystemFacts facts{.is_alone = true, .is_lexical = true};
  ServiceObserver observer{client, journal, "run-", facts};

 private:
  int next_ = 0;
};

TEST_CASE("service observer: ends are heard of while the run goes on") {
  World world;
  const std::string one = world.accept();
  const std::string other = world.accept();
  world.service.say({{"id", one}, {"milestone", "stored"}});
  world.service.say({{"id", one}, {"milestone", "done"}});
  world.wait(1);
  CHECK(world.journal.unended() == std::vector<std::string>{other});
  world.service.say({{"id", other}, {"milestone", "done"}});
  world.wait(2);
}

TEST_CASE("service observer: what happened while no event could be heard is asked for") {
  World world;
  const std::string missed = world.accept();
  world.service.break_stream();
  world.service.list(world.service.document(missed, "run-0", "done"));
  const std::string heard = world.accept();
  world.service.say({{"id", heard}, {"milestone", "done"}});  // on another stream
  world.wait(1);
  CHECK(world.journal.unended() == std::vector<std::string>{missed});
  const std::optional<Depth> depth = world.observer.depth();
  REQUIRE(depth);
  CHECK(depth->waiting == 4);
  CHECK(depth->working == 2);
  world.wait(2);
}

TEST_CASE("service observer: a document that the service does not know is waited for no longer") {
  World world;
  world.accept();
  const std::string hidden = world.accept();
  world.service.hide(world.service.document(hidden, "run-1", "queued"));
  world.observer.ask_for_ends();
  CHECK(world.journal.unended() == std::vector<std::string>{hidden});
}

TEST_CASE("service observer: what became of each is the service's own account by the run's clock") {
  World world;
  for (int i = 0; i < 5; ++i) world.accept();
  const auto list = [&](int number, const std::string& state) {
    world.service.list(world.service.document("d" + std::to_string(number),
                                              "run-" + std::to_string(number), state));
  };
  list(0, "done");
  list(1, "failed");
  list(2, "started");
  world.service.hide(world.service.document("d3", "run-3", "done"));  // missed by the listing
  const Offset before = world.journal.now();
  const RunRecord run = world.complete();
  CHECK(run.arrivals[0].ending == Ending::done);
  CHECK(run.arrivals[1].ending == Ending::failed);
  CHECK(run.arrivals[2].ending == Ending::in_flight);
  CHECK(run.arrivals[3].ending == Ending::done);
  CHECK(run.arrivals[4].ending == Ending::lost);
  CHECK(run.arrivals[4].message.ends_with("there is no such document"));
  CHECK(run.unknown == 0);
  REQUIRE(run.arrivals[0].done);
  CHECK(*run.arrivals[0].done <= before + run.clock.doubt + 1ms);
  CHECK(*run.arrivals[0].done >= -run.clock.doubt - 1ms);
  CHECK(run.clock.offset > 59min);
  CHECK(run.clock.offset < 61min);
}

TEST_CASE("service observer: documents that are there twice or of nobody are counted") {
  World world;
  world.accept();
  world.accept_as("d0");
  world.service.list(world.service.document("d0", "run-0", "done"));
  world.service.list(world.service.document("again", "run-0", "done"));
  world.service.list(world.service.document("stranger", "report.pdf", "done"));
  const RunRecord run = world.complete();
  CHECK(run.arrivals[0].ending == Ending::done);
  CHECK(run.arrivals[1].ending == Ending::lost);
  CHECK(run.arrivals[1].message == "it was answered with another document's id");
  CHECK(run.stored_twice == 1);
  CHECK(run.unknown == 1);
  CHECK(run.findings ==
        std::vector<std::string>{"document 0 was sent once and is there twice: d0 and again"});
}

TEST_CASE("service observer: what the service had before is not the run's") {
  World world;
  world.accept();
  Json old = world.service.document("old", "report.pdf", "done");
  old["timeline"]["received"] = text_of(Service::now() - 1h);
  world.service.list(old);
  world.service.list(world.service.document("d0", "run-0", "done"));
  const RunRecord run = world.complete();
  CHECK(run.unknown == 0);
  CHECK(run.arrivals[0].ending == Ending::done);
}

TEST_CASE("service observer: a document is what was sent if it says so and its words find it") {
  World world;
  const std::string text = "The turbine ran until dusk.";
  Content content;
  content.parts = {std::span(text)};
  content.phrase = "turbine ran until";
  Arrival arrival;
  arrival.id = "d0";
  CHECK(world.observer.wrong_with(arrival, content).value_or("").ends_with("no such document"));

  Json document = world.service.document("d0", "run-0", "done");
  SECTION("another content") {
    document["sha256"] = to_hex(sha256("another"));
    world.service.list(document);
    CHECK(world.observer.wrong_with(arrival, content) == "has another content than what was sent");
  }
  SECTION("the same") {
    document["sha256"] = to_hex(sha256(text));
    world.service.list(document);
    CHECK(world.observer.wrong_with(arrival, content) ==
          "is not found by its words \"turbine ran until\"");
    world.service.hit({{"id", "another"}, {"text", text}});
    world.service.hit({{"id", "d0"}, {"text", "The turbine ran."}});
    CHECK(world.observer.wrong_with(arrival, content));
    world.service.hit({{"id", "d0"}, {"text", "Seen: the\nturbine  ran until dusk"}});
    CHECK_FALSE(world.observer.wrong_with(arrival, content));
    content.phrase.clear();
    CHECK_FALSE(world.observer.wrong_with(arrival, content));
  }
}

TEST_CASE("service observer: a service that cannot be asked is no system under test") {
  HttpServer server({}, [](const ServedRequest&, const Responder& responder) {
    responder.respond(401, {}, R"({"detail":"no key"})");
  });
  ServiceClient client(url(server, ""), Secret());
  Journal journal(std::chrono::steady_clock::now());
  const SystemFacts facts;
  CHECK_THROWS_WITH(ServiceObserver(client, journal, "run-", facts),
                    ContainsSubstring("/v1/overview answered 401: no key"));
}

}  // namespace
}  // namespace penstock
