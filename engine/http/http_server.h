// An HTTP/1.1 server (Boost.Beast, coroutines), in the clear or by TLS 1.2 and later. Only
// http_server.cc and http_connection.cc know Beast.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/error.h"
#include "engine/http/http_headers.h"

namespace penstock {

struct HttpServerOptions {
  std::string listen = "127.0.0.1:0";  // HOST:PORT; port 0 takes a free one
  std::size_t threads = 1;
  std::size_t body_bytes_max = 64 << 20;  // a larger request is answered 413
  // Of one request's head and body, of a part of a body that is taken in parts, and of an idle
  // connection.
  std::chrono::milliseconds read_timeout{60'000};
  // A body that is taken in parts and has come more slowly than that, once read_timeout has passed,
  // is refused with 408.
  std::uint64_t body_bytes_per_second_min = 64;
  // Further clients wait until one has gone.
  std::size_t connections_max = 16'384;
  // PEM: the server's certificate and those that lead to its root, and its key. Empty: in the
  // clear. Read again when they change.
  std::string certificate_file;
  std::string key_file;
  // Told why files that changed cannot be used. On a thread of the server.
  std::function<void(const std::string&)> complain;
};

struct RequestHead {
  std::string method;
  std::string target;  // as it stands in the request line: path and query
  HttpHeaders headers;
  std::string peer;  // the client's address, without its port
};

struct ServedRequest : RequestHead {
  std::string body;
};

// Answers one request. A copy is the same answer; when the last is gone without an answer, the
// connection is closed. Nothing here blocks, and after the client went away nothing has an effect.
// Any thread.
class Responder {
 public:
  // The whole answer. Content-Length is added.
  void respond(int status, HttpHeaders headers, std::string body) const;

  // An answer in parts, with a length that was promised or chunked: begin, write ..., finish.
  void begin(int status, HttpHeaders headers, std::optional<std::uint64_t> content_length) const;
  void write(std::string part) const;
  // The same; `then` is called on a thread of the server once the client has taken all that was
  // written so far, or never, if it goes away before: who waits for it holds one part of an answer.
  void write(std::string part, std::function<void()> then) const;
  void finish() const;

  // Closes the connection at once, whatever was promised (a TCP reset).
  void abort() const;

  // Calls `then` on a thread of the server after `delay`; dropped if the server stops before.
  void after(std::chrono::nanoseconds delay, std::function<void()> then) const;

  // All of the answer was sent, or the client went away and that was noticed.
  bool is_over() const;

  class Exchange;
  explicit Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

 private:
  std::shared_ptr<Exchange> exchange_;
};

// Takes one request's body in parts: what is held of it is one part. Gone without
// finish() when the client went away, or spoke nonsense. On a thread of the server, where it must
// not block.
class BodySink {
 public:
  virtual ~BodySink() = default;
  static constexpr std::size_t page_bytes = 4'096;

  // Of 128 KB at most, and whole pages, aligned as such, up to the last: a disk may take them from
  // where they lie. The first comes with the first page, so that who sees it may refuse the rest.
  // It stays while a copy of `more` does. The next one is read after `more` was called, on any
  // thread, or never: who takes its time slows its client down.
  virtual void write(std::string_view part, std::function<void()> more) = 0;
  // That was all.
  virtual void finish() = 0;
};

class HttpServer {
 public:
  // Called on a thread of the server, where it must not block.
  using Handler = std::function<void(ServedRequest, Responder)>;
  // Asked before the body of a request is read: who takes it, and answers; absent, the handler gets
  // it whole. An answer that comes before the end of the body is sent at once, and is the
  // connection's last: what refuses a request need not hear it out. Called as the handler is.
  using SinkOf = std::function<std::unique_ptr<BodySink>(const RequestHead&, const Responder&)>;
  // Told how many clients are connected, whenever that changes; one call at a time. Who asked the
  // server instead, from a handler, would ask one that is not made yet, or is ending.
  using Counted = std::function<void(std::size_t connections)>;

  // Listens; throws FatalError when it cannot.
  HttpServer(HttpServerOptions options, Handler handler, SinkOf sink_of = {}, Counted counted = {});
  // Closes every connection, then joins.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Takes no more connections, and lets those that are open end: each with the request that it is
  // at, whose answer says so; at once if it waits for another one. Returns when all have ended, or
  // `grace` is over. Any thread but the server's.
  void drain(std::chrono::milliseconds grace);

  // HOST:PORT, with the port that was taken.
  const std::string& address() const;

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

}  // namespace penstock
