#include "engine/http/http_server.h"

#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "engine/core/clock.h"
#include "engine/http/answer.h"
#include "engine/http/work.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::uint32_t head_bytes_max = 32 << 10;
// A buffer that starts small makes large bodies arrive in small reads.
constexpr std::size_t read_bytes = 64 << 10;
constexpr milliseconds accept_pause{100};

auto into(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

// Work that ends with an exception is a mistake in this program.
void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

std::string reason_of(int status) {
  return http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
}

// What a server was made with.
struct Service {
  HttpServerOptions options;
  HttpServer::Handler handler;
  HttpServer::SinkOf sink_of;
};

using HeadParser = http::request_parser<http::empty_body>;

// One client. Its requests are served one after another: while one is answered nothing is read,
// so that what is held for a client is one request (body_bytes_max, or a part of it), and of one
// answer what its handler has written and the client has not taken. A client that takes nothing
// for read_timeout is dropped. All of it happens on the connection's strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const Service& service)
      : stream_(std::move(socket)),
        wake_(stream_.get_executor()),
        service_(service),
        options_(service.options) {
    wake_.expires_at(TimePoint::max());
    buffer_.reserve(read_bytes);
  }

  auto executor() { return stream_.get_executor(); }

  // Ends when the connection does.
  asio::awaitable<void> serve(std::shared_ptr<Work> work);

  // Of the exchange with this number, as in Responder.
  bool is_at(std::uint64_t exchange) const { return exchange == exchange_; }
  void answer(const std::function<void(Answer&)>& how);
  void take_more();
  void abort();

  void close() {
    stream_.close();
    is_closed_ = true;
    wake_.cancel();
  }

 private:
  // False when there is none to serve.
  asio::awaitable<bool> read_head(HeadParser& parser);
  // Reads the body and has it answered. False when the connection cannot be used any more.
  asio::awaitable<bool> take_whole(HeadParser& parser, RequestHead head, Responder responder);
  asio::awaitable<bool> take_parts(HeadParser& parser, std::unique_ptr<BodySink> sink,
                                   std::shared_ptr<Responder::Exchange> exchange);
  asio::awaitable<bool> let_go_ahead(const HeadParser& parser);
  // Answers what is no request, or too large a one.
  asio::awaitable<void> refuse(error_code error);
  // Sends what the handler answers. False when the connection cannot be used any more.
  asio::awaitable<bool> send_answer();
  asio::awaitable<bool> send(std::vector<std::string> parts);
  asio::awaitable<void> refuse(http::status status);
  // Ends the connection so that the client hears what was said to it.
  asio::awaitable<void> hear_out();

  beast::tcp_stream stream_;
  asio::steady_timer wake_;  // never expires; cancelled to wake who waits for parts
  const Service& service_;
  const HttpServerOptions& options_;
  beast::flat_buffer buffer_;
  bool is_closed_ = false;

  // Of the present exchange.
  std::uint64_t exchange_ = 0;
  Answer answer_;
  bool may_take_more_ = false;  // of its body
};

}  // namespace

class Responder::Exchange {
 public:
  Exchange(std::shared_ptr<Work> work, Connection& connection, std::uint64_t number)
      : work_(std::move(work)),
        executor_(connection.executor()),
        connection_(connection.weak_from_this()),
        number_(number) {}
  ~Exchange() {
    tell([](Connection& connection) { connection.answer(&Answer::drop); });
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  template <typename Function>
  void tell(Function function) {
    work_->post(executor_, [connection = connection_, number = number_,
                            function = std::move(function)]() mutable {
      const std::shared_ptr<Connection> is_there = connection.lock();
      if (is_there && is_there->is_at(number)) function(*is_there);
    });
  }

  Work& work() { return *work_; }

 private:
  const std::shared_ptr<Work> work_;  // outlives the executor
  const beast::tcp_stream::executor_type executor_;
  const std::weak_ptr<Connection> connection_;
  const std::uint64_t number_;
};

namespace {

asio::awaitable<void> Connection::serve(std::shared_ptr<Work> work) {
  const std::shared_ptr<Connection> self = shared_from_this();
  for (;;) {
    HeadParser parser;
    if (!co_await read_head(parser)) break;
    RequestHead head;
    head.method = parser.get().method_string();
    head.target = parser.get().target();
    for (const auto& field : parser.get())
      head.headers.add(std::string(field.name_string()), std::string(field.value()));
    answer_ = Answer(parser.get().method() == http::verb::head, parser.get().version() == 11,
                     parser.keep_alive());
    ++exchange_;
    auto exchange = std::make_shared<Responder::Exchange>(work, *this, exchange_);
    std::unique_ptr<BodySink> sink;
    if (service_.sink_of && !parser.is_done()) sink = service_.sink_of(head, Responder(exchange));
    const bool is_taken =
        sink ? co_await take_parts(parser, std::move(sink), std::move(exchange))
             : co_await take_whole(parser, std::move(head), Responder(std::move(exchange)));
    if (!is_taken || !co_await send_answer()) break;
  }
  ++exchange_;
  stream_.close();
}

asio::awaitable<bool> Connection::read_head(HeadParser& parser) {
  parser.header_limit(head_bytes_max);
  parser.body_limit(boost::none);
  error_code error;
  stream_.expires_after(options_.read_timeout);
  co_await http::async_read_header(stream_, buffer_, parser, into(error));
  if (is_closed_) co_return false;
  if (error) co_await refuse(error);
  co_return !error;
}

asio::awaitable<bool> Connection::let_go_ahead(const HeadParser& parser) {
  if (!beast::iequals(parser.get()[http::field::expect], "100-continue")) co_return true;
  std::vector<std::string> interim{"HTTP/1.1 100 Continue\r\n\r\n"};
  co_return co_await send(std::move(interim));
}

asio::awaitable<bool> Connection::take_whole(HeadParser& head_parser, RequestHead head,
                                             Responder responder) {
  if (head_parser.content_length().value_or(0) > options_.body_bytes_max) {
    co_await refuse(http::status::payload_too_large);
    co_return false;
  }
  if (!co_await let_go_ahead(head_parser)) co_return false;
  http::request_parser<http::string_body> parser(std::move(head_parser));
  parser.body_limit(options_.body_bytes_max);
  error_code error;
  stream_.expires_after(options_.read_timeout);
  co_await http::async_read(stream_, buffer_, parser, into(error));
  stream_.expires_never();
  if (is_closed_) co_return false;
  if (error) {
    co_await refuse(error);
    co_return false;
  }
  service_.handler({std::move(head), std::move(parser.get().body())}, std::move(responder));
  co_return true;
}

asio::awaitable<bool> Connection::take_parts(HeadParser& head_parser,
                                             std::unique_ptr<BodySink> sink,
                                             std::shared_ptr<Responder::Exchange> exchange) {
  const auto is_answered = [this] { return answer_.has_parts() || answer_.is_whole(); };
  if (!is_answered() && !co_await let_go_ahead(head_parser)) co_return false;
  http::request_parser<http::buffer_body> parser(std::move(head_parser));
  parser.body_limit(boost::none);
  while (!parser.is_done() && !is_answered()) {
    std::string part(read_bytes, '\0');
    parser.get().body() = {part.data(), part.size(), true};
    error_code error;
    stream_.expires_after(options_.read_timeout);
    co_await http::async_read_some(stream_, buffer_, parser, into(error));
    stream_.expires_never();
    if (error == http::error::need_buffer) error = {};
    if (is_closed_) co_return false;
    if (error) {
      sink.reset();
      co_await refuse(error);
      co_return false;
    }
    part.resize(part.size() - parser.get().body().size);
    if (part.empty()) continue;
    may_take_more_ = false;
    sink->write(std::move(part),
                [exchange] { exchange->tell([](Connection& self) { self.take_more(); }); });
    while (!may_take_more_ && !is_answered() && !is_closed_) {
      error_code woken;
      co_await wake_.async_wait(into(woken));
    }
    if (is_closed_) co_return false;
  }
  exchange.reset();
  if (parser.is_done()) {
    sink->finish();
    co_return true;
  }
  sink.reset();
  if (co_await send_answer()) co_await hear_out();
  co_return false;
}

asio::awaitable<void> Connection::refuse(error_code error) {
  if (error == http::error::body_limit) {
    co_await refuse(http::status::payload_too_large);
  } else if (error == http::error::header_limit) {
    co_await refuse(http::status::request_header_fields_too_large);
  } else if (error.category() == http::make_error_code(http::error::bad_value).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    co_await refuse(http::status::bad_request);
  }
}

asio::awaitable<bool> Connection::send_answer() {
  for (;;) {
    while (!answer_.has_parts() && !answer_.is_whole() && !is_closed_) {
      error_code woken;
      co_await wake_.async_wait(into(woken));
    }
    if (is_closed_) co_return false;
    if (!answer_.has_parts()) co_return answer_.keeps_alive();
    std::vector<std::string> parts = answer_.take_parts();
    if (!co_await send(std::move(parts))) co_return false;
  }
}

asio::awaitable<bool> Connection::send(std::vector<std::string> parts) {
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(parts.size());
  for (const std::string& part : parts) buffers.emplace_back(part.data(), part.size());
  beast::buffers_suffix<std::vector<asio::const_buffer>> rest(buffers);
  while (beast::buffer_bytes(rest) > 0) {
    error_code error;
    stream_.expires_after(options_.read_timeout);
    const std::size_t sent = co_await stream_.async_write_some(rest, into(error));
    stream_.expires_never();
    if (error || is_closed_) co_return false;
    rest.consume(sent);
  }
  co_return true;
}

asio::awaitable<void> Connection::refuse(http::status status) {
  Answer refusal;
  refusal.respond(static_cast<int>(status), reason_of(static_cast<int>(status)), {}, {});
  std::vector<std::string> parts = refusal.take_parts();
  if (co_await send(std::move(parts))) co_await hear_out();
}

// A close with bytes unread would be a reset, which takes the answer along: the rest is read first.
asio::awaitable<void> Connection::hear_out() {
  error_code error;
  stream_.socket().shutdown(tcp::socket::shutdown_send, error);
  buffer_.consume(buffer_.size());
  stream_.expires_after(options_.read_timeout);
  while (!error) co_await stream_.async_read_some(buffer_.prepare(read_bytes), into(error));
}

void Connection::answer(const std::function<void(Answer&)>& how) {
  how(answer_);
  wake_.cancel();
}

void Connection::take_more() {
  may_take_more_ = true;
  wake_.cancel();
}

void Connection::abort() {
  error_code error;
  stream_.socket().set_option(asio::socket_base::linger(true, 0), error);
  close();
}

// HOST:PORT, as in HttpServerOptions.
tcp::endpoint endpoint_of(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  std::uint16_t port = 0;
  const char* const end = listen.data() + listen.size();
  const char* const digits = colon == std::string::npos ? end : listen.data() + colon + 1;
  const auto [rest, fault] = std::from_chars(digits, end, port);
  if (error || fault != std::errc() || rest != end)
    throw FatalError(listen + ": not an address to listen at; say 127.0.0.1:8080 or [::1]:8080");
  return {address, port};
}

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint.port());
}

}  // namespace

class HttpServer::Listener {
 public:
  explicit Listener(Service service);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const std::string& address() const { return address_; }

 private:
  void listen();
  asio::awaitable<void> accept();
  // Serves it, unless the server is ending.
  void serve(tcp::socket socket);

  const Service service_;
  const HttpServerOptions& options_ = service_.options;
  const std::shared_ptr<Work> work_ = std::make_shared<Work>();
  tcp::acceptor acceptor_{asio::make_strand(work_->io())};
  asio::steady_timer pause_{acceptor_.get_executor()};
  std::string address_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::set<std::shared_ptr<Connection>> connections_;
  bool is_ending_ = false;

  std::vector<std::thread> threads_;
};

HttpServer::Listener::Listener(Service service) : service_(std::move(service)) {
  listen();
  asio::co_spawn(acceptor_.get_executor(), accept(), rethrow);
  for (std::size_t i = 0; i < options_.threads; ++i)
    threads_.emplace_back([this] { work_->io().run(); });
}

HttpServer::Listener::~Listener() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (const std::shared_ptr<Connection>& connection : connections_)
      asio::post(connection->executor(), [connection] { connection->close(); });
  }
  asio::post(acceptor_.get_executor(), [this] {
    acceptor_.close();
    pause_.cancel();
  });
  work_->end();
  for (std::thread& thread : threads_) thread.join();
}

void HttpServer::Listener::listen() {
  const tcp::endpoint endpoint = endpoint_of(options_.listen);
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    throw FatalError(options_.listen + ": already in use; choose another --listen");
  if (error)
    throw FatalError(options_.listen + ": cannot listen there (" + error.message() +
                     "); choose another --listen");
  address_ = text_of(acceptor_.local_endpoint());
}

asio::awaitable<void> HttpServer::Listener::accept() {
  while (acceptor_.is_open()) {
    error_code error;
    tcp::socket socket =
        co_await acceptor_.async_accept(asio::make_strand(work_->io()), into(error));
    if (!error) {
      serve(std::move(socket));
    } else if (acceptor_.is_open()) {
      // Out of descriptors, say: it would fail again at once until a connection ends.
      pause_.expires_after(accept_pause);
      co_await pause_.async_wait(into(error));
    }
  }
}

void HttpServer::Listener::serve(tcp::socket socket) {
  error_code error;
  socket.set_option(tcp::no_delay(true), error);
  const auto connection = std::make_shared<Connection>(std::move(socket), service_);
  const std::lock_guard lock(mutex_);
  if (is_ending_) return;
  connections_.insert(connection);
  asio::co_spawn(connection->executor(), connection->serve(work_),
                 [this, connection](const std::exception_ptr& thrown) {
                   rethrow(thrown);
                   const std::lock_guard ended(mutex_);
                   connections_.erase(connection);
                 });
}

void Responder::respond(int status, HttpHeaders headers, std::string body) const {
  exchange_->tell([status, headers = std::move(headers),
                   body = std::move(body)](Connection& connection) mutable {
    connection.answer([&](Answer& answer) {
      answer.respond(status, reason_of(status), headers, std::move(body));
    });
  });
}

void Responder::begin(int status, HttpHeaders headers,
                      std::optional<std::uint64_t> content_length) const {
  exchange_->tell([status, headers = std::move(headers), content_length](Connection& connection) {
    connection.answer(
        [&](Answer& answer) { answer.begin(status, reason_of(status), headers, content_length); });
  });
}

void Responder::write(std::string part) const {
  exchange_->tell([part = std::move(part)](Connection& connection) mutable {
    connection.answer([&](Answer& answer) { answer.write(std::move(part)); });
  });
}

void Responder::finish() const {
  exchange_->tell([](Connection& connection) { connection.answer(&Answer::finish); });
}

void Responder::abort() const {
  exchange_->tell([](Connection& connection) { connection.abort(); });
}

void Responder::after(std::chrono::nanoseconds delay, std::function<void()> then) const {
  exchange_->work().call_after(delay, std::move(then));
}

HttpServer::HttpServer(HttpServerOptions options, Handler handler, SinkOf sink_of)
    : listener_(std::make_unique<Listener>(
          Service{std::move(options), std::move(handler), std::move(sink_of)})) {}

HttpServer::~HttpServer() = default;

const std::string& HttpServer::address() const {
  return listener_->address();
}

}  // namespace penstock
