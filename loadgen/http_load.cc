#include "loadgen/http_load.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/uri.h"
#include "engine/http/http_stream.h"
#include "engine/http/json.h"
#include "loadgen/service_answers.h"

namespace penstock {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Of what is said of a document, or why not.
constexpr std::size_t answer_bytes_max = 1 << 20;
// A server closes what is idle after a minute, as a rule: one that is about to is not used.
constexpr std::chrono::seconds idle_max{20};
constexpr std::chrono::milliseconds heartbeat{10};
// Of what is sent to this machine, the system would keep a document of 1 MB whole: a thousand of
// them are a gigabyte that it finds pages for, while the service that is measured works beside it.
constexpr int local_send_bytes = 128 << 10;

struct Address {
  bool is_tls = false;
  std::string host;
  std::string port;
  std::string authority;  // as it stands in the URL
};

Address address_of(const std::string& url) {
  Address address;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    address.is_tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    throw FatalError(url + ": a service's address begins with http:// or https://");
  }
  rest = rest.substr(0, rest.find('/'));
  address.authority = rest;
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  address.host = rest.substr(0, colon);
  address.port = colon == std::string_view::npos ? std::string(address.is_tls ? "443" : "80")
                                                 : std::string(rest.substr(colon + 1));
  if (address.host.starts_with('[')) address.host = address.host.substr(1, bracket - 1);
  if (address.host.empty()) throw FatalError(url + ": no host in it");
  return address;
}

bool is_out_of_descriptors(const error_code& error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system;
}

// The other side has closed it, or said something that nobody asked for.
bool is_stale(tcp::socket& socket) {
  char byte = 0;
  return ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
         (errno != EAGAIN && errno != EWOULDBLOCK);
}

// "429 Too Many Requests: too many documents wait"
std::string refusal_of(const http::response<http::string_body>& response) {
  std::string why = fmt::format("{} {}", response.result_int(), std::string(response.reason()));
  const Json problem = Json::parse(response.body(), nullptr, false);
  if (const std::string title = text_in(problem, "title"); !title.empty()) why += ": " + title;
  return why;
}

std::string id_in(const std::string& body) {
  return text_in(Json::parse(body, nullptr, false), "id");
}

}  // namespace

class HttpLoad::Loop {
 public:
  Loop(HttpLoadOptions options, Journal& journal)
      : options_(std::move(options)),
        journal_(journal),
        address_(address_of(options_.url)),
        work_(asio::make_work_guard(io_)) {
    error_code error;
    const auto found = tcp::resolver(io_).resolve(address_.host, address_.port, error);
    if (error) throw FatalError(options_.url + ": " + error.message());
    endpoint_ = found.begin()->endpoint();
    if (address_.is_tls) {
      tls_.emplace(asio::ssl::context::tls_client);
      tls_->set_default_verify_paths();
      tls_->set_verify_mode(asio::ssl::verify_peer);
      tls_->set_verify_callback(asio::ssl::host_name_verification(address_.host));
    }
    asio::co_spawn(io_, beat(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }

  ~Loop() { stop(); }

  void send(Shipment shipment) {
    asio::post(io_, [this, shipment = std::move(shipment)]() mutable {
      if (under_way_ >= options_.connections_max && options_.connections_wait)
        return waiting_.push_back(std::move(shipment));
      if (under_way_ >= options_.connections_max)
        return journal_.dropped(shipment.number,
                                fmt::format("all {} connections that the generator may have are "
                                            "in use",
                                            options_.connections_max));
      asio::co_spawn(io_, upload(std::move(shipment)), asio::detached);
    });
  }

  State state() {
    return {connections_, sent_bytes_, Offset(timer_lag_.exchange(0)),
            Offset(timers_late_.exchange(0))};
  }

  void stop() {
    work_.reset();
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  // One, and what is open of it is counted.
  struct Connection {
    Connection(Loop& its_loop, tcp::socket socket, asio::ssl::context* tls)
        : stream(std::move(socket), tls), loop(its_loop) {
      ++loop.connections_;
    }
    ~Connection() { --loop.connections_; }

    HttpStream stream;
    beast::flat_buffer buffer;
    TimePoint idle_since;
    Loop& loop;
  };

  asio::awaitable<void> beat() {
    asio::steady_timer timer(io_);
    for (;;) {
      timer.expires_after(heartbeat);
      const TimePoint due = timer.expiry();
      error_code error;
      co_await timer.async_wait(into(error));
      if (error) co_return;
      const Offset lag = std::chrono::steady_clock::now() - due;
      if (lag.count() > timer_lag_) timer_lag_ = lag.count();
      timers_late_ += lag.count();
      while (!idle_.empty() && is_old(*idle_.front())) idle_.pop_front();
    }
  }

  static bool is_old(const Connection& idle) {
    return std::chrono::steady_clock::now() - idle.idle_since > idle_max;
  }

  std::unique_ptr<Connection> take_idle() {
    while (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      if (!is_old(*connection) && !is_stale(connection->stream.tcp().socket())) return connection;
    }
    return nullptr;
  }

  // A failed one leaves its error.
  asio::awaitable<std::unique_ptr<Connection>> connect(error_code& error) {
    tcp::socket socket(io_);
    socket.open(endpoint_.protocol(), error);
    if (error) co_return nullptr;
    auto connection =
        std::make_unique<Connection>(*this, std::move(socket), tls_ ? &*tls_ : nullptr);
    HttpStream& stream = connection->stream;
    stream.tcp().expires_after(options_.answer_timeout);
    co_await stream.tcp().async_connect(endpoint_, into(error));
    if (!error) stream.tcp().socket().set_option(tcp::no_delay(true), error);
    if (!error && endpoint_.address().is_loopback())
      stream.tcp().socket().set_option(tcp::socket::send_buffer_size(local_send_bytes), error);
    if (!error && stream.is_tls()) {
      SSL_set_tlsext_host_name(stream.native_handle(), address_.host.c_str());
      co_await stream.async_handshake(asio::ssl::stream_base::client, into(error));
    }
    if (error) co_return nullptr;
    co_return connection;
  }

  std::string head_of(const Shipment& shipment) const {
    std::string head = fmt::format(
        "POST /v1/documents?name={}&lane={} HTTP/1.1\r\nHost: {}\r\n"
        "Content-Type: {}\r\nContent-Length: {}\r\n",
        uri_encoded(shipment.name), name_of(shipment.lane), address_.authority,
        shipment.content.media_type, shipment.content.bytes);
    if (!options_.api_key.empty())
      head += "Authorization: Bearer " + options_.api_key.expose() + "\r\n";
    return head + "\r\n";
  }

  asio::awaitable<void> upload(Shipment shipment) {
    ++under_way_;
    journal_.issued(shipment.number);
    std::unique_ptr<Connection> connection = take_idle();
    error_code error;
    if (!connection) connection = co_await connect(error);
    if (connection) {
      if (co_await exchange(*connection, shipment)) {
        connection->idle_since = std::chrono::steady_clock::now();
        idle_.push_back(std::move(connection));
      }
    } else if (is_out_of_descriptors(error)) {
      journal_.dropped(shipment.number, "the generator has no descriptor left; raise ulimit -n");
    } else {
      journal_.broken(shipment.number, "no connection: " + error.message());
    }
    --under_way_;
    if (waiting_.empty()) co_return;
    asio::co_spawn(io_, upload(std::move(waiting_.front())), asio::detached);
    waiting_.pop_front();
  }

  // Tells the journal. Whether another may use the connection.
  asio::awaitable<bool> exchange(Connection& connection, const Shipment& shipment) {
    const std::string head = head_of(shipment);
    std::vector<asio::const_buffer> parts = {asio::buffer(head)};
    for (const std::span<const char> part : shipment.content.parts)
      parts.push_back(asio::buffer(part.data(), part.size()));
    connection.stream.tcp().expires_after(options_.answer_timeout);
    // A service may refuse before it has heard everything, and close: its answer is there.
    error_code sent;
    sent_bytes_ += co_await asio::async_write(connection.stream, parts, into(sent));

    error_code error;
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    co_await http::async_read(connection.stream, connection.buffer, parser, into(error));
    if (error) {
      const error_code cause = sent ? sent : error;
      journal_.broken(shipment.number,
                      cause == beast::error::timeout
                          ? fmt::format("no answer within {} s", options_.answer_timeout.count())
                          : "no answer: " + cause.message());
      co_return false;
    }
    const auto& response = parser.get();
    const int status = static_cast<int>(response.result_int());
    std::string id = status / 100 == 2 ? id_in(response.body()) : std::string();
    if (!id.empty()) {
      journal_.accepted(shipment.number, status, std::move(id));
    } else if (status / 100 == 2) {
      journal_.refused(shipment.number, status, fmt::format("{} without an id", status));
    } else {
      journal_.refused(shipment.number, status, refusal_of(response));
    }
    co_return !sent && parser.keep_alive();
  }

  const HttpLoadOptions options_;
  Journal& journal_;
  const Address address_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> sent_bytes_{0};
  std::atomic<Offset::rep> timer_lag_{0};
  std::atomic<Offset::rep> timers_late_{0};

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::optional<asio::ssl::context> tls_;
  tcp::endpoint endpoint_;
  // Of the thread.
  std::uint32_t under_way_ = 0;
  std::deque<Shipment> waiting_;                  // for a connection; no more than the schedule has
  std::deque<std::unique_ptr<Connection>> idle_;  // that which was used last at the back
  std::thread thread_;
};

HttpLoad::HttpLoad(HttpLoadOptions options, Journal& journal)
    : loop_(std::make_unique<Loop>(std::move(options), journal)) {}
HttpLoad::~HttpLoad() = default;

void HttpLoad::send(Shipment shipment) {
  loop_->send(std::move(shipment));
}

Destination::State HttpLoad::state() {
  return loop_->state();
}

void HttpLoad::stop() {
  loop_->stop();
}

}  // namespace penstock
