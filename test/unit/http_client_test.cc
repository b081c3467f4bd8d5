#include "engine/http/http_client.h"

#include <atomic>
#include <thread>

#include "test/support/http_peers.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

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

}  // namespace
}  // namespace penstock
