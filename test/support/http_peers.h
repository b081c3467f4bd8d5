// A client and a server that speak to each other in one process, and those that are none of ours.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/unique_fd.h"
#include "engine/http/http_client.h"
#include "engine/http/http_server.h"
#include "test/support/catch.h"

namespace penstock {

inline std::string url(const HttpServer& server, const std::string& target = "/") {
  return "http://" + server.address() + target;
}

inline std::future<Result<HttpResponse>> start(HttpClient& client, HttpRequest request) {
  auto answer = std::make_shared<std::promise<Result<HttpResponse>>>();
  client.send(std::move(request), [answer](auto result) { answer->set_value(std::move(result)); });
  return answer->get_future();
}

inline Result<HttpResponse> fetch(HttpClient& client, HttpRequest request) {
  return start(client, std::move(request)).get();
}

inline Error fail(HttpClient& client, HttpRequest request) {
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

inline void echo(ServedRequest request, const Responder& responder) {
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
inline std::string closed_address() {
  return HttpServer({}, echo).address();
}

}  // namespace penstock
