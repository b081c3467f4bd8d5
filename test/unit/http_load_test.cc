// Uploads to servers that answer as told.
#include "loadgen/http_load.h"

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/error.h"
#include "engine/http/http_server.h"
#include "test/support/catch.h"
#include "test/support/http_peers.h"

namespace penstock {
namespace {

const std::string body_begin = "%PDF-";
const std::string body_end(300'000, 'x');

// A run of documents run-0, run-1 ...
struct World {
  explicit World(const HttpServer& server) : World(HttpLoadOptions{.url = url(server, "")}) {}
  explicit World(HttpLoadOptions options) : load(std::move(options), journal) {}

  void send() {
    const std::uint64_t number = journal.due({});
    Content content;
    content.media_type = "application/pdf";
    content.parts = {std::span(body_begin), std::span(body_end)};
    content.bytes = body_begin.size() + body_end.size();
    load.send({number, "run-" + std::to_string(number), Lane::bulk, std::move(content)});
  }
  // Until so many have been told of.
  void wait(std::uint64_t answers) {
    journal.wait(TimePoint::max(), [answers](const Journal::Counts& counts) {
      return counts.accepted + counts.missing == answers;
    });
  }
  std::vector<Arrival> arrivals() {
    load.stop();
    return journal.take();
  }

  Journal journal{std::chrono::steady_clock::now()};
  HttpLoad load;
};

// Hears all that is asked, and answers each by its number.
class Server {
 public:
  using Answer = std::function<void(std::size_t number, const Responder& responder)>;

  explicit Server(Answer answer)
      : answer_(std::move(answer)), http_({}, [this](ServedRequest request, Responder responder) {
          std::unique_lock lock(mutex_);
          requests_.push_back(std::move(request));
          const std::size_t number = requests_.size() - 1;
          lock.unlock();
          answer_(number, responder);
        }) {}

  const HttpServer& http() const { return http_; }
  std::vector<ServedRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const Answer answer_;
  std::mutex mutex_;
  std::vector<ServedRequest> requests_;  // guarded by mutex_
  HttpServer http_;
};

void accept(std::size_t number, const Responder& responder) {
  responder.respond(202, {}, R"({"id":"d)" + std::to_string(number) + R"("})");
}

TEST_CASE("http load: a document is sent whole, under its name, in its lane and with the key") {
  Server server(accept);
  World world({.url = url(server.http(), ""), .api_key = Secret("psk_a")});
  world.send();
  world.wait(1);
  const ServedRequest request = server.requests().at(0);
  CHECK(request.method == "POST");
  CHECK(request.target == "/v1/documents?name=run-0&lane=bulk");
  CHECK(request.headers.find("Content-Type") == "application/pdf");
  CHECK(request.headers.find("Host") == server.http().address());
  CHECK(request.headers.find("Authorization") == "Bearer psk_a");
  CHECK(request.body == body_begin + body_end);
  const Destination::State state = world.load.state();
  CHECK(state.connections == 1);
  CHECK(state.sent_bytes > request.body.size());
  const Arrival arrival = world.arrivals().at(0);
  CHECK(arrival.id == "d0");
  CHECK(arrival.status == 202);
  CHECK(arrival.ending == Ending::in_flight);
  CHECK(arrival.issued <= arrival.accepted);
}

TEST_CASE("http load: what was not accepted is told by what was answered instead") {
  Server server([](std::size_t number, const Responder& responder) {
    const std::vector<std::pair<int, std::string>> answers = {
        {429, R"({"title":"More is waiting than can be done soon"})"},
        {503, "<html>"},
        {202, "<html>It works!</html>"},
        {200, R"({"id":7})"}};
    if (number < answers.size())
      responder.respond(answers[number].first, {}, answers[number].second);
  });  // the last one's connection is closed instead
  World world(server.http());
  for (std::uint64_t sent = 1; sent <= 5; ++sent) {
    world.send();
    world.wait(sent);
  }
  const std::vector<Arrival> arrivals = world.arrivals();
  CHECK(arrivals[0].message == "429 Too Many Requests: More is waiting than can be done soon");
  CHECK(arrivals[1].message == "503 Service Unavailable");
  CHECK(arrivals[2].message == "202 without an id");
  CHECK(arrivals[3].message == "200 without an id");
  for (std::size_t i = 0; i < 4; ++i) CHECK(arrivals[i].ending == Ending::refused);
  CHECK(arrivals[4].ending == Ending::broken);
  CHECK(arrivals[4].message.starts_with("no answer: "));
}

TEST_CASE("http load: a connection is used again unless the server has closed it") {
  std::mutex mutex;
  std::size_t opened = 0;
  std::size_t open = 0;
  HttpServer server(
      {},
      [number = 0](const ServedRequest&, const Responder& responder) mutable {
        accept(number++, responder);
      },
      {},
      [&](std::size_t connections) {
        const std::lock_guard lock(mutex);
        opened += connections > open ? 1 : 0;
        open = connections;
      });
  World world(server);
  for (std::uint64_t sent = 1; sent <= 3; ++sent) {
    world.send();
    world.wait(sent);
  }
  CHECK(world.load.state().connections == 1);
  world.load.stop();
  const std::lock_guard lock(mutex);
  CHECK(opened == 1);
}

TEST_CASE("http load: a refusal is heard before the document was") {
  HttpServer server({}, {}, [](const RequestHead&, const Responder& responder) {
    class Nobody final : public BodySink {
      void write(std::string_view, std::function<void()>) override {}
      void finish() override {}
    };
    responder.respond(413, {}, R"({"title":"It is too large"})");
    return std::make_unique<Nobody>();
  });
  World world(server);
  world.send();
  world.wait(1);
  const Arrival arrival = world.arrivals().at(0);
  CHECK(arrival.ending == Ending::refused);
  CHECK(arrival.message == "413 Payload Too Large: It is too large");
}

TEST_CASE("http load: what finds no connection left is dropped and was never issued") {
  Silence silence;
  const HttpServer server({}, std::ref(silence));
  World world({.url = url(server, ""), .connections_max = 1});
  world.send();
  silence.wait();
  world.send();
  world.wait(1);
  const std::vector<Arrival> arrivals = world.arrivals();
  CHECK(arrivals[0].issued);
  CHECK(arrivals[0].ending == Ending::in_flight);
  CHECK_FALSE(arrivals[1].issued);
  CHECK(arrivals[1].ending == Ending::dropped);
  CHECK(arrivals[1].message == "all 1 connections that the generator may have are in use");
}

TEST_CASE("http load: what is to wait for a connection is issued when it is its turn") {
  Server server(accept);
  World world({.url = url(server.http(), ""), .connections_max = 1, .connections_wait = true});
  for (int i = 0; i < 4; ++i) world.send();
  world.wait(4);
  CHECK(world.load.state().connections == 1);
  const std::vector<Arrival> arrivals = world.arrivals();
  for (std::size_t i = 1; i < 4; ++i) CHECK(arrivals[i].issued >= arrivals[i - 1].accepted);
  CHECK(arrivals[3].id == "d3");
}

TEST_CASE("http load: where nobody listens an upload is broken, and said to be") {
  std::string gone;
  { gone = url(HttpServer({}, {}), ""); }
  World world({.url = gone});
  world.send();
  world.wait(1);
  const Arrival arrival = world.arrivals().at(0);
  CHECK(arrival.ending == Ending::broken);
  CHECK(arrival.message == "no connection: Connection refused");
}

TEST_CASE("http load: what is no address of a service is refused") {
  Journal journal(std::chrono::steady_clock::now());
  const auto refusal = [&](const std::string& url) {
    try {
      HttpLoad load({.url = url}, journal);
    } catch (const FatalError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("ftp://a") == "ftp://a: a service's address begins with http:// or https://");
  CHECK(refusal("http://:80") == "http://:80: no host in it");
  CHECK(refusal("http://no.such.host.invalid").starts_with("http://no.such.host.invalid: "));
}

}  // namespace
}  // namespace penstock
