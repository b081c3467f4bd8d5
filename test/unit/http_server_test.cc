#include "engine/http/http_server.h"

#include <atomic>
#include <thread>

#include "test/support/http_peers.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

TEST_CASE("http: a request that is too large is answered 413") {
  HttpServer server({.body_bytes_max = 1000}, echo);
  HttpClient client({});
  CHECK(fetch(client, {.method = "POST", .url = url(server), .body = std::string(1000, 'x')})
            .value()
            .status == 200);
  CHECK(fetch(client, {.method = "POST", .url = url(server), .body = std::string(1 << 20, 'x')})
            .value()
            .status == 413);
}

// Takes bodies in parts, and answers with their length.
class Taker {
 public:
  explicit Taker(std::size_t bytes_max = SIZE_MAX) : bytes_max_(bytes_max) {}

  std::unique_ptr<BodySink> operator()(const RequestHead& head, const Responder& responder) {
    if (head.target != "/parts") return nullptr;
    return std::make_unique<Sink>(*this, responder);
  }
  std::size_t largest_part() const { return largest_part_; }
  // That a disk could not take as they lie.
  int odd_parts() const { return odd_parts_; }
  int gone_early() const { return gone_early_; }

 private:
  class Sink final : public BodySink {
   public:
    Sink(Taker& taker, const Responder& responder) : taker_(taker), responder_(responder) {}
    ~Sink() override {
      if (!is_finished_) ++taker_.gone_early_;
    }
    void write(std::string_view part, std::function<void()> more) override {
      bytes_ += part.size();
      taker_.largest_part_ = std::max<std::size_t>(taker_.largest_part_, part.size());
      const auto place = reinterpret_cast<std::uintptr_t>(part.data());
      if (part.size() % page_bytes != 0 || place % page_bytes != 0) ++taker_.odd_parts_;
      if (bytes_ > taker_.bytes_max_) return responder_.respond(413, {}, "enough");
      more();
    }
    void finish() override {
      is_finished_ = true;
      responder_.respond(200, {}, std::to_string(bytes_));
    }

   private:
    Taker& taker_;
    const Responder responder_;
    std::size_t bytes_ = 0;
    bool is_finished_ = false;
  };

  const std::size_t bytes_max_;
  std::atomic<std::size_t> largest_part_{0};
  std::atomic<int> odd_parts_{0};
  std::atomic<int> gone_early_{0};
};

TEST_CASE("http: a body in parts is larger than any that is held") {
  Taker taker;
  HttpServerOptions options;
  options.body_bytes_max = 1'000;
  HttpServer server(options, echo, std::ref(taker));
  HttpClient client({});
  const std::string body(3'000'001, 'x');
  for (int i = 0; i < 2; ++i) {
    const auto response =
        fetch(client, {.method = "POST", .url = url(server, "/parts"), .body = body});
    REQUIRE(response.has_value());
    CHECK(response->body == "3000001");
  }
  CHECK(taker.largest_part() <= 128 << 10);
  CHECK(taker.odd_parts() == 2);  // the last of each
  CHECK(taker.gone_early() == 0);
  // Others are what they were.
  CHECK(fetch(client, {.method = "POST", .url = url(server), .body = "whole"})->body == "whole");
  CHECK(fetch(client, {.method = "POST", .url = url(server), .body = body})->status == 413);
  // Nothing is taken of what is empty.
  CHECK(fetch(client, {.method = "POST", .url = url(server, "/parts"), .body = ""})->body == "");
}

TEST_CASE("http: a chunked body is taken in parts") {
  Taker taker;
  HttpServer server({}, echo, std::ref(taker));
  RawClient client(server);
  client.say("POST /parts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.say("2\r\nde\r\n0\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(client.hear("\r\n\r\n5"), StartsWith("HTTP/1.1 200 OK"));
  CHECK_THAT(client.hear("/after\r\n"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_CASE("http: what refuses a body need not hear it out") {
  Taker taker(10);
  HttpServer server({}, echo, std::ref(taker));
  RawClient client(server);
  client.say("POST /parts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" +
             std::string(BodySink::page_bytes, 'x'));
  CHECK_THAT(client.hear("enough"),
             StartsWith("HTTP/1.1 413") && ContainsSubstring("\r\nConnection: close\r\n"));
  client.say("and more");  // is taken, so that the answer is heard
  CHECK(client.hear() == "");
  CHECK(taker.gone_early() == 1);
}

TEST_CASE("http: a body that breaks off is never finished") {
  Taker taker;
  {
    HttpServer server({}, echo, std::ref(taker));
    {
      RawClient client(server);
      client.say("POST /parts HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    }
    while (taker.gone_early() == 0) std::this_thread::yield();
    RawClient nonsense(server);
    nonsense.say("POST /parts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
    CHECK_THAT(nonsense.hear(), StartsWith("HTTP/1.1 400"));
  }
  CHECK(taker.gone_early() == 2);
}

TEST_CASE("http: who waits with a part is waited for, and a server that ends does not") {
  class Waiting final : public BodySink {
   public:
    explicit Waiting(std::promise<void>& asked) : asked_(asked) {}
    void write(std::string_view /*part*/, std::function<void()> more) override {
      more_ = std::move(more);
      asked_.set_value();
    }
    void finish() override {}

   private:
    std::promise<void>& asked_;
    std::function<void()> more_;
  };
  std::promise<void> asked;
  HttpServer server({}, echo, [&](const RequestHead&, const Responder&) {
    return std::make_unique<Waiting>(asked);
  });
  RawClient client(server);
  client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" +
             std::string(BodySink::page_bytes, 'x'));
  asked.get_future().wait();
}

TEST_CASE("http: who is refused by its head is told before a body is asked for") {
  class Deaf final : public BodySink {
    void write(std::string_view /*part*/, std::function<void()> /*more*/) override {}
    void finish() override {}
  };
  HttpServer server({}, echo, [](const RequestHead&, const Responder& responder) {
    responder.respond(413, {}, "too large");
    return std::make_unique<Deaf>();
  });
  RawClient client(server);
  client.say(
      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n");
  CHECK_THAT(client.hear("too large"),
             StartsWith("HTTP/1.1 413") && ContainsSubstring("\r\nConnection: close\r\n"));
}

TEST_CASE("http: a body that trickles is refused") {
  class Pours final : public BodySink {
    void write(std::string_view /*part*/, std::function<void()> more) override { more(); }
    void finish() override {}
  };
  HttpServerOptions options;
  // Whatever came is too little once that has passed.
  options.read_timeout = 500ms;
  options.body_bytes_per_second_min = UINT64_MAX / 2;
  HttpServer server(options, echo,
                    [](const RequestHead&, const Responder&) { return std::make_unique<Pours>(); });
  RawClient client(server);
  client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
  std::atomic<bool> is_heard{false};
  std::thread trickle([&] {
    // Its errors are those of a connection that the server has closed.
    while (!is_heard) client.try_to_say("x");
  });
  const std::string heard = client.hear();
  is_heard = true;
  trickle.join();
  CHECK_THAT(heard, StartsWith("HTTP/1.1 408"));
}

TEST_CASE("http: who writes in parts is told when the client has taken one") {
  std::promise<Responder> asked;
  HttpServer server({}, [&](const ServedRequest&, Responder responder) {
    asked.set_value(std::move(responder));
  });
  RawClient client(server);
  client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const Responder responder = asked.get_future().get();
  CHECK_FALSE(responder.is_over());
  responder.begin(200, {}, std::nullopt);
  // More than the system holds for a client that takes nothing.
  std::promise<void> taken;
  std::future<void> is_taken = taken.get_future();
  responder.write(std::string(32 << 20, 'x'), [&] { taken.set_value(); });
  const std::string head = client.hear("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(is_taken.wait_for(0s) == std::future_status::timeout);
  client.drain(32 << 20);
  is_taken.get();
  responder.finish();
  client.hear("0\r\n\r\n");
  while (!responder.is_over()) std::this_thread::yield();
}

TEST_CASE("http: what a header is to hold makes no other header") {
  HttpServer server({}, [](const ServedRequest&, const Responder& responder) {
    responder.respond(200, {{"X-Name", "a\r\nSet-Cookie: b"}}, {});
  });
  HttpClient client({});
  const auto response = fetch(client, {.url = url(server)});
  REQUIRE(response.has_value());
  CHECK(response->headers.find("X-Name") == "a  Set-Cookie: b");
  CHECK_FALSE(response->headers.find("Set-Cookie").has_value());
}

TEST_CASE("http: a client too many waits until another has gone") {
  HttpServerOptions options;
  options.connections_max = 1;
  std::mutex mutex;
  std::vector<std::size_t> counts;  // guarded by mutex
  HttpServer server(options, echo, {}, [&](std::size_t connections) {
    const std::lock_guard lock(mutex);
    counts.push_back(connections);
  });
  auto first = std::make_unique<RawClient>(server);
  first->say("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(first->hear("\r\n\r\n").find("/first") != std::string::npos);
  RawClient second(server);
  second.say("GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
  first.reset();
  CHECK(second.hear("\r\n\r\n").find("/second") != std::string::npos);
  const std::lock_guard lock(mutex);
  CHECK(counts == std::vector<std::size_t>{1, 0, 1});
}

TEST_CASE("http: a request that another server would cut elsewhere is refused") {
  // What follows the body would be a second request to who believes the other length.
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string begin = "POST / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string& rest : {
           std::string("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
           std::string("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
           std::string("Content-Length: +1\r\n\r\na"),
           std::string("Content-Length : 1\r\n\r\na"),
           std::string("Transfer-Encoding: chunked\r\n\r\ng\r\na\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\na\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n"),
           std::string("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
           std::string("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
       }) {
    INFO(rest);
    std::atomic<int> served{0};
    HttpServer server({.read_timeout = 200ms},
                      [&](ServedRequest request, const Responder& responder) {
                        ++served;
                        echo(std::move(request), responder);
                      });
    RawClient client(server);
    client.say(begin + rest + hidden);
    CHECK_THAT(client.hear(), StartsWith("HTTP/1.1 400 "));
    CHECK(served == 0);
  }
}

TEST_CASE("http: what is no request is answered and ends the connection") {
  HttpServer server({.read_timeout = 200ms}, echo);
  RawClient client(server);
  // The last does not say whom it is for.
  client.say(GENERATE("nonsense\r\n\r\n", "GET / HTTP/7.0\r\n\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
                      "GET / HTTP/1.1\r\n\r\n"));
  CHECK(client.hear() ==
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_CASE("http: a head that is too large is answered 431") {
  HttpServer server({.read_timeout = 200ms}, echo);
  RawClient client(server);
  client.say("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'x'));
  CHECK_THAT(client.hear(), StartsWith("HTTP/1.1 431 "));
}

TEST_CASE("http: requests sent together are answered one after another") {
  HttpServer server({}, [](const ServedRequest& request, const Responder& responder) {
    const std::chrono::milliseconds delay = request.target == "/1" ? 20ms : 0ms;
    responder.after(delay,
                    [responder, target = request.target] { responder.respond(200, {}, target); });
  });
  RawClient client(server);
  client.say(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 "
      "HTTP/1.0\r\n\r\n");
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
  CHECK(client.hear() == head + "\r\n/1" + head + "\r\n/2" + head + "Connection: close\r\n\r\n/3");
}

TEST_CASE("http: an old client hears an answer in parts up to the end of the connection") {
  HttpServer server({}, [](const ServedRequest&, const Responder& responder) {
    responder.begin(200, {}, std::nullopt);
    responder.write("one ");
    responder.write("two");
    responder.finish();
  });
  RawClient client(server);
  client.say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(client.hear() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none two");
}

TEST_CASE("http: a client that waits for a go-ahead gets it") {
  HttpServer server({}, echo);
  RawClient client(server);
  client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.hear("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.say("body");
  CHECK_THAT(client.hear("\r\n\r\nbody"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("http: a connection that says nothing is closed") {
  HttpServer server({.read_timeout = 20ms}, echo);
  RawClient client(server);
  client.say(GENERATE("", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"));
  CHECK(client.hear().empty());
}

TEST_CASE("http: a responder has no effect after its client or its server went away") {
  std::promise<Responder> asked;
  std::optional<Responder> responder;
  auto server = std::make_unique<HttpServer>(
      HttpServerOptions{},
      [&](const ServedRequest&, Responder given) { asked.set_value(std::move(given)); });
  {
    RawClient client(*server);
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    responder = asked.get_future().get();
  }
  responder->begin(200, {}, std::nullopt);
  responder->write(std::string(1 << 20, 'x'));
  server.reset();
  responder->write("more");
  responder->after(0ms, [copy = *responder] { copy.abort(); });
  responder->finish();
}

TEST_CASE("http: a server that ends drops what was to happen later") {
  Silence silence;
  auto held = std::make_shared<int>(0);
  auto server = std::make_unique<HttpServer>(
      HttpServerOptions{}, [&](const ServedRequest& request, const Responder& responder) {
        responder.after(1h, [held, responder] { *held = 1; });
        silence(request, responder);
      });
  RawClient client(*server);
  client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  silence.wait();
  server.reset();
  CHECK(client.hear().empty());
  CHECK(held.use_count() == 1);
  CHECK(*held == 0);
}

TEST_CASE("http: what is later happens in the order of its delays") {
  std::vector<int> order;
  std::promise<void> all;
  HttpServer server({}, [&](const ServedRequest&, const Responder& responder) {
    responder.after(40ms, [&, responder] {
      order.push_back(3);
      all.set_value();
    });
    responder.after(20ms, [&] { order.push_back(2); });
    responder.after(0ms, [&] { order.push_back(1); });
  });
  RawClient client(server);
  client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  all.get_future().wait();
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("http: a server says where it cannot listen") {
  const auto message = [](const std::string& listen) -> std::string {
    try {
      HttpServer server({.listen = listen}, echo);
      return server.address();
    } catch (const FatalError& error) {
      return error.what();
    }
  };
  const HttpServer server({}, echo);
  CHECK(message(server.address()) ==
        server.address() + ": already in use; choose another --listen");
  CHECK_THAT(message("localhost:0"), StartsWith("127.0.0.1:"));
  CHECK_THAT(message("192.0.2.1:0"), StartsWith("192.0.2.1:0: cannot listen there ("));
  for (const std::string listen : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:80000",
                                   "example.com:80", "127.0.0.1:80 "})
    CHECK(message(listen) ==
          listen + ": not an address to listen at; say 127.0.0.1:8080 or [::1]:8080");
}

TEST_CASE("http: a server listens at an address of IPv6") {
  std::optional<HttpServer> server;
  try {
    server.emplace(HttpServerOptions{.listen = "[::1]:0"}, echo);
  } catch (const FatalError&) {
    WARN("skipped: this machine has no IPv6");
    return;
  }
  CHECK_THAT(server->address(), StartsWith("[::1]:"));
  HttpClient client({});
  CHECK(fetch(client, {.url = url(*server)}).value().status == 200);
}

}  // namespace
}  // namespace penstock
