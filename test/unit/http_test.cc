#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "engine/core/unique_fd.h"
#include "engine/http/http_client.h"
#include "engine/http/http_server.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

std::string url(const HttpServer& server, const std::string& target = "/") {
  return "http://" + server.address() + target;
}

std::future<Result<HttpResponse>> start(HttpClient& client, HttpRequest request) {
  auto answer = std::make_shared<std::promise<Result<HttpResponse>>>();
  client.send(std::move(request), [answer](auto result) { answer->set_value(std::move(result)); });
  return answer->get_future();
}

Result<HttpResponse> fetch(HttpClient& client, HttpRequest request) {
  return start(client, std::move(request)).get();
}

Error fail(HttpClient& client, HttpRequest request) {
  const Result<HttpResponse> result = fetch(client, std::move(request));
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

// Keeps what it is asked to answer, and never does.
class Silence {
 public:
  void operator()(const ServedRequest& /*request*/, Responder responder) {
    const std::lock_guard lock(kept_->mutex);
    kept_->responders.push_back(std::move(responder));
    if (kept_->responders.size() == 1) kept_->asked.set_value();
  }
  // Until the first request has come.
  void wait() { kept_->asked.get_future().wait(); }

 private:
  struct Kept {
    std::mutex mutex;
    std::vector<Responder> responders;  // guarded by mutex
    std::promise<void> asked;
  };
  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

void echo(ServedRequest request, const Responder& responder) {
  responder.respond(200, {{"X-Method", request.method}, {"X-Target", request.target}},
                    std::move(request.body));
}

// What a client that is none of ours says, and all that it hears.
class RawClient {
 public:
  explicit RawClient(const HttpServer& server) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const std::string& address = server.address();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(std::stoi(address.substr(address.find(':') + 1)));
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
  }

  void say(std::string_view text) {
    REQUIRE(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }

  void try_to_say(std::string_view text) {
    static_cast<void>(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL));
  }

  // So many bytes, whatever they are.
  void drain(std::size_t bytes) {
    std::string room(1 << 20, '\0');
    while (bytes > 0) {
      const ssize_t got = ::recv(socket_.get(), room.data(), std::min(bytes, room.size()), 0);
      if (got <= 0) break;
      bytes -= static_cast<std::size_t>(got);
    }
  }

  // Up to the first `end`, or that of the connection.
  std::string hear(std::string_view end = {}) {
    std::string heard;
    char c = 0;
    while (end.empty() || !heard.ends_with(end)) {
      if (::recv(socket_.get(), &c, 1, 0) != 1) break;
      heard += c;
    }
    return heard;
  }

 private:
  UniqueFd socket_;
};

// A port that nobody listens at.
std::string closed_address() {
  return HttpServer({}, echo).address();
}

TEST_CASE("http: a request is sent once even if a kept connection ends without an answer") {
  std::atomic<int> served{0};
  HttpServer server({}, [&](ServedRequest request, const Responder& responder) {
    ++served;
    if (request.body == "die") {
      responder.abort();
    } else {
      echo(std::move(request), responder);
    }
  });
  HttpClient client({});
  REQUIRE(fetch(client, {.method = "POST", .url = url(server), .body = "live"}).has_value());
  const Error error = fail(client, {.method = "POST", .url = url(server), .body = "die"});
  CHECK(error.kind == ErrorKind::retryable);
  CHECK(served == 2);
}

TEST_CASE("http: a request arrives as it was sent and so does its answer") {
  std::promise<ServedRequest> served;
  HttpServer server({}, [&](ServedRequest request, const Responder& responder) {
    served.set_value(request);
    responder.respond(429, {{"Retry-After", "2"}, {"X-Empty", ""}}, "slow down");
  });
  HttpClient client({});
  const Result<HttpResponse> response =
      fetch(client, {.method = "POST",
                     .url = url(server, "/v1/embeddings?a=b%20c"),
                     .headers = {{"Authorization", "Bearer x"}, {"X-Nothing", ""}},
                     .body = "{}"});
  REQUIRE(response.has_value());
  CHECK(response->status == 429);
  CHECK(response->body == "slow down");
  CHECK(response->headers.find("retry-after") == "2");
  CHECK(response->headers.find("x-empty") == "");
  CHECK_FALSE(response->headers.find("Retry").has_value());

  const ServedRequest request = served.get_future().get();
  CHECK(request.method == "POST");
  CHECK(request.target == "/v1/embeddings?a=b%20c");
  CHECK(request.body == "{}");
  CHECK(request.headers.find("authorization") == "Bearer x");
  CHECK(request.headers.find("X-Nothing") == "");
  CHECK_FALSE(request.headers.find("Expect").has_value());
  CHECK_FALSE(request.headers.find("Content-Type").has_value());
}

TEST_CASE("http: any method and an empty body") {
  HttpServer server({}, echo);
  HttpClient client({});
  const std::string method = GENERATE("GET", "POST", "PUT", "DELETE", "PATCH");
  const Result<HttpResponse> response = fetch(client, {.method = method, .url = url(server)});
  REQUIRE(response.has_value());
  CHECK(response->headers.find("X-Method") == method);
  CHECK(response->body.empty());
}

TEST_CASE("http: a HEAD is answered without a body and the connection goes on") {
  HttpServer server({}, [](const ServedRequest&, const Responder& responder) {
    responder.respond(200, {}, "body");
  });
  HttpClient client({.connections_max = 1});
  const Result<HttpResponse> head = fetch(client, {.method = "HEAD", .url = url(server)});
  REQUIRE(head.has_value());
  CHECK(head->headers.find("Content-Length") == "4");
  CHECK(head->body.empty());
  CHECK(fetch(client, {.url = url(server)}).value().body == "body");
}

TEST_CASE("http: bodies of some megabytes both ways with bytes to spare") {
  HttpServer server({}, echo);
  HttpClient client({});
  std::string body(5 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7919 >> 8);
  const Result<HttpResponse> response =
      fetch(client, {.method = "POST", .url = url(server), .body = body});
  REQUIRE(response.has_value());
  CHECK((response->body == body));
  CHECK(response->body.capacity() >= response->body.size() + 64);
}

TEST_CASE("http: an answer in parts") {
  const std::optional<std::uint64_t> length = GENERATE(std::optional<std::uint64_t>(), 8);
  HttpServer server({}, [&](const ServedRequest&, const Responder& responder) {
    responder.begin(200, {}, length);
    responder.write("one ");
    responder.after(1ms, [responder] {
      responder.write("");
      responder.write("two ");
      responder.finish();
    });
  });
  HttpClient client({});
  for (int i = 0; i < 2; ++i) {
    const Result<HttpResponse> response = fetch(client, {.url = url(server)});
    REQUIRE(response.has_value());
    CHECK(response->body == "one two ");
    CHECK(response->body.capacity() >= response->body.size() + 64);
    CHECK(response->headers.find("Content-Length").has_value() == length.has_value());
  }
}

TEST_CASE("http: a response that is cut off is worth another try") {
  const std::optional<std::uint64_t> length = GENERATE(std::optional<std::uint64_t>(), 100);
  const std::string how = GENERATE("dropped", "finished short", "reset");
  if (how == "finished short" && !length) return;
  HttpServer server({}, [&](const ServedRequest&, const Responder& responder) {
    responder.begin(200, {}, length);
    responder.write("half");
    if (how == "finished short") responder.finish();
    // The reset leaves when the client has the first half.
    if (how == "reset") responder.after(20ms, [responder] { responder.abort(); });
  });
  HttpClient client({});
  const Error error = fail(client, {.url = url(server)});
  CHECK(error.kind == ErrorKind::retryable);
  CHECK(error.message == "http://" + server.address() + ": the response stopped after 4 bytes");
}

TEST_CASE("http: no answer at all is worth another try") {
  const bool reset = GENERATE(true, false);
  HttpServer server({}, [&](const ServedRequest&, const Responder& responder) {
    if (reset) responder.abort();
  });
  HttpClient client({});
  const Error error = fail(client, {.url = url(server)});
  CHECK(error.kind == ErrorKind::retryable);
  CHECK(error.message ==
        "http://" + server.address() + ": the connection was closed without a response");
}

TEST_CASE("http: a response that stalls is given up") {
  std::vector<Responder> kept;
  HttpServer server({}, [&](const ServedRequest&, Responder responder) {
    responder.begin(200, {}, 10);
    responder.write("abc");
    kept.push_back(std::move(responder));
  });
  HttpClient client({.total_timeout = 10min, .stall_timeout = 50ms});
  const Error error = fail(client, {.url = url(server)});
  CHECK(error.kind == ErrorKind::retryable);
  CHECK(error.message == "http://" + server.address() + ": the response stopped after 3 bytes");
}

TEST_CASE("http: a response that does not begin has until the total timeout") {
  HttpServer server({}, Silence());
  HttpClient client({.total_timeout = 60ms, .stall_timeout = 1ms, .connections_max = 1});
  auto first = start(client, {.url = url(server)});
  auto second = start(client, {.url = url(server)});  // never leaves the client
  for (auto* answer : {&first, &second}) {
    const Result<HttpResponse> result = answer->get();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::retryable);
    CHECK(result.error().message == "http://" + server.address() + ": no response within 60 ms");
  }
}

TEST_CASE("http: a refused connection is worth another try") {
  const std::string address = closed_address();
  HttpClient client({});
  const Error error = fail(client, {.url = "http://" + address + "/v1"});
  CHECK(error.kind == ErrorKind::retryable);
  CHECK(error.message == "http://" + address + ": connection refused");
}

TEST_CASE("http: what can never be sent is refused for good") {
  HttpClient client({});
  const auto message = [&](HttpRequest request) {
    const Error error = fail(client, std::move(request));
    CHECK(error.kind == ErrorKind::permanent);
    return error.message;
  };
  CHECK_THAT(message({.url = "nonsense"}), StartsWith("malformed URL: "));
  CHECK_THAT(message({.url = "http://[::1"}), StartsWith("malformed URL: "));
  CHECK(message({.url = "ftp://u:secret@host/x"}) == "ftp://host: neither http nor https");
  CHECK(message({.url = "http://host/", .headers = {{"Authorization", "secret\n"}}}) ==
        "http://host: a header has a line break");
}

TEST_CASE("http: no message shows a user or a query") {
  HttpClient client({});
  const std::string address = closed_address();
  const std::string target =
      GENERATE("/?key=secret", ":99999/?key=secret", "/secret key", "\\secret");
  const std::string before = GENERATE("http://secret:secret@", "https://secret@", "secret://");
  const Error error = fail(client, {.url = before + address + target});
  CHECK(error.message.find("secret") == std::string::npos);
}

TEST_CASE("http: a response that is too large is refused") {
  HttpServer server({}, [](const ServedRequest& request, const Responder& responder) {
    if (request.target == "/promised") return responder.respond(200, {}, std::string(100'000, 'x'));
    responder.begin(200, {}, std::nullopt);
    for (int i = 0; i < 100; ++i) responder.write(std::string(1000, 'x'));
    responder.finish();
  });
  HttpClient client({.response_bytes_max = 50'000});
  const Error error = fail(client, {.url = url(server, GENERATE("/promised", "/parts"))});
  CHECK(error.kind == ErrorKind::permanent);
  CHECK(error.message ==
        "http://" + server.address() + ": the response is larger than 50000 bytes");
}

TEST_CASE("http: many requests at once over few connections") {
  HttpServer server({.threads = 2}, echo);
  HttpClient client({.connections_max = 16});
  std::vector<std::future<Result<HttpResponse>>> answers;
  answers.reserve(1000);
  for (int i = 0; i < 1000; ++i)
    answers.push_back(
        start(client, {.method = "POST", .url = url(server), .body = std::to_string(i)}));
  for (int i = 0; i < 1000; ++i) CHECK(answers[i].get().value().body == std::to_string(i));
}

TEST_CASE("http: a client that ends cancels what is under way or waits") {
  Silence silence;
  HttpServer server({}, silence);
  std::vector<std::future<Result<HttpResponse>>> answers;
  {
    HttpClient client({.connections_max = 2});
    for (int i = 0; i < 5; ++i) answers.push_back(start(client, {.url = url(server)}));
    silence.wait();
  }
  for (auto& answer : answers) {
    const Result<HttpResponse> result = answer.get();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::cancelled);
  }
}

TEST_CASE("http: an answer may send the next request") {
  HttpServer server({}, echo);
  HttpClient client({.connections_max = 1});
  std::promise<int> last;
  std::function<void(int)> send = [&](int number) {
    client.send({.url = url(server)}, [&, number](const Result<HttpResponse>& response) {
      if (!response || number == 10) return last.set_value(number);
      send(number + 1);
    });
  };
  send(1);
  CHECK(last.get_future().get() == 10);
}

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
