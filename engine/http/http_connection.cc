#include "engine/http/http_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "engine/core/clock.h"

namespace penstock {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::uint32_t head_bytes_max = 32 << 10;
// A buffer that starts small makes large bodies arrive in small reads.
constexpr std::size_t read_bytes = 64 << 10;
constexpr std::size_t unheard_bytes = 16 << 10;  // at a time, of what nobody wants any more
// Larger parts are fewer turns between threads, and memory for each who uploads.
constexpr std::size_t part_bytes = 128 << 10;
constexpr std::size_t page_bytes = BodySink::page_bytes;
// For what a client says when it is told that no more will come.
constexpr std::chrono::seconds goodbye_timeout{2};

// Of a body that is still being read: an average so low is an attack, or will never end.
bool is_too_slow(std::uint64_t bytes, TimePoint since, const HttpServerOptions& options) {
  const auto elapsed = std::chrono::steady_clock::now() - since;
  return elapsed > options.read_timeout &&
         static_cast<double>(bytes) < std::chrono::duration<double>(elapsed).count() *
                                          static_cast<double>(options.body_bytes_per_second_min);
}

// Whether every server would find the same end of the body. Beast takes a coding that it does not
// know for no body at all, and what is one would be read as the next request (RFC 9112, 6.3).
bool has_known_length(const http::request_header<>& head) {
  const auto codings = head.equal_range(http::field::transfer_encoding);
  if (codings.first == codings.second) return true;
  return head.version() == 11 && std::next(codings.first) == codings.second &&
         beast::iequals(codings.first->value(), "chunked");
}

// Of two hosts each server may believe another; and without any, whom it was for (RFC 9112, 3.2).
bool has_one_host(const http::request_header<>& head) {
  const std::size_t hosts = head.count(http::field::host);
  return hosts == 1 || (hosts == 0 && head.version() < 11);
}

std::shared_ptr<char> new_part() {
  return {static_cast<char*>(::operator new(part_bytes, std::align_val_t(page_bytes))),
          [](char* part) { ::operator delete(part, std::align_val_t(page_bytes)); }};
}

std::string peer_of(const tcp::socket& socket) {
  error_code error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? std::string() : endpoint.address().to_string();
}

}  // namespace

// A body in parts. One that said its length goes from the socket straight into its part.
class HttpConnection::BodyReader {
 public:
  explicit BodyReader(HeadParser&& head) {
    if (const auto length = head.content_length()) {
      left_ = *length;
      return;
    }
    chunked_.emplace(std::move(head));
    chunked_->body_limit(boost::none);
  }

  bool is_done() const { return left_ ? *left_ == 0 : chunked_->is_done(); }

  // `buffer` has what came with the head, and keeps what comes after the body. Returns how much it
  // put into `part`, which may be nothing yet.
  asio::awaitable<std::size_t> read(HttpStream& stream, beast::flat_buffer& buffer,
                                    std::span<char> part, error_code& error) {
    if (!left_) {
      chunked_->get().body() = {part.data(), part.size(), true};
      buffer.reserve(read_bytes);
      co_await http::async_read_some(stream, buffer, *chunked_, into(error));
      if (error == http::error::need_buffer) error = {};
      co_return part.size() - chunked_->get().body().size;
    }
    const auto room = asio::buffer(part.data(), std::min<std::uint64_t>(part.size(), *left_));
    std::size_t got = asio::buffer_copy(room, buffer.data());
    buffer.consume(got);
    if (got == 0) got = co_await stream.async_read_some(room, into(error));
    *left_ -= got;
    co_return got;
  }

 private:
  std::optional<std::uint64_t> left_;  // absent: it is chunked
  std::optional<http::request_parser<http::buffer_body>> chunked_;
};

std::string reason_of(int status) {
  return http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
}

Responder::Exchange::Exchange(std::shared_ptr<Work> work, HttpConnection& connection,
                              std::uint64_t number, std::shared_ptr<std::atomic<bool>> is_over)
    : work_(std::move(work)),
      executor_(connection.executor()),
      connection_(connection.weak_from_this()),
      number_(number),
      is_over_(std::move(is_over)) {}

Responder::Exchange::~Exchange() {
  tell([](HttpConnection& connection) { connection.answer(&Answer::drop); });
}

void Responder::Exchange::tell(std::function<void(HttpConnection&)> call) {
  work_->post(executor_,
              [connection = connection_, number = number_, call = std::move(call)]() mutable {
                const std::shared_ptr<HttpConnection> is_there = connection.lock();
                if (is_there && is_there->is_at(number)) call(*is_there);
              });
}

HttpConnection::HttpConnection(tcp::socket socket, asio::ssl::context* tls,
                               const HttpService& service)
    : peer_(peer_of(socket)),
      stream_(std::move(socket), tls),
      wake_(stream_.get_executor()),
      service_(service),
      options_(service.options) {
  wake_.expires_at(TimePoint::max());
}

void HttpConnection::close() {
  stream_.tcp().close();
  is_closed_ = true;
  wake_.cancel();
}

void HttpConnection::drain() {
  is_draining_ = true;
  answer_.close_after();
  if (is_idle_) close();
}

asio::awaitable<void> HttpConnection::serve(std::shared_ptr<Work> work) {
  const std::shared_ptr<HttpConnection> self = shared_from_this();
  bool is_usable = !stream_.is_tls() || co_await shake_hands();
  while (is_usable && !(is_draining_ && exchange_ > 0)) {
    HeadParser parser;
    is_idle_ = exchange_ > 0;
    is_usable = co_await read_head(parser);
    is_idle_ = false;
    is_usable = is_usable && co_await serve_one(parser, work);
    end_exchange();
  }
  if (stream_.is_tls() && !is_closed_) {
    error_code error;
    stream_.tcp().expires_after(goodbye_timeout);
    co_await stream_.async_shutdown(into(error));
  }
  stream_.tcp().close();
}

asio::awaitable<bool> HttpConnection::shake_hands() {
  error_code error;
  stream_.tcp().expires_after(options_.read_timeout);
  co_await stream_.async_handshake(asio::ssl::stream_base::server, into(error));
  co_return !error && !is_closed_;
}

asio::awaitable<bool> HttpConnection::serve_one(HeadParser& parser,
                                                const std::shared_ptr<Work>& work) {
  RequestHead head;
  head.method = parser.get().method_string();
  head.target = parser.get().target();
  head.peer = peer_;
  for (const auto& field : parser.get())
    head.headers.add(std::string(field.name_string()), std::string(field.value()));
  answer_ = Answer(parser.get().method() == http::verb::head, parser.get().version() == 11,
                   parser.keep_alive() && !is_draining_);
  auto exchange = std::make_shared<Responder::Exchange>(work, *this, exchange_, is_over_);
  std::unique_ptr<BodySink> sink;
  if (service_.sink_of && !parser.is_done()) {
    // Whoever answers before all of the body has come answers last.
    answer_.close_after();
    sink = service_.sink_of(head, Responder(exchange));
    // What it answered at once stands in line behind this: a client is not to send a body, nor wait
    // with one, that was refused already.
    co_await asio::post(stream_.get_executor(), asio::use_awaitable);
    if (!sink) keep_open();
  }
  const bool is_taken =
      sink ? co_await take_parts(parser, std::move(sink), std::move(exchange))
           : co_await take_whole(parser, std::move(head), Responder(std::move(exchange)));
  co_return is_taken&& co_await send_answer();
}

void HttpConnection::keep_open() {
  if (!is_draining_) answer_.keep_open();
}

void HttpConnection::end_exchange() {
  ++exchange_;
  *is_over_ = true;
  is_over_ = std::make_shared<std::atomic<bool>>(false);
  when_sent_.clear();
}

asio::awaitable<bool> HttpConnection::read_head(HeadParser& parser) {
  parser.header_limit(head_bytes_max);
  parser.body_limit(boost::none);
  error_code error;
  stream_.tcp().expires_after(options_.read_timeout);
  co_await http::async_read_header(stream_, buffer_, parser, into(error));
  if (is_closed_) co_return false;
  if (error) {
    co_await refuse(error);
    co_return false;
  }
  if (has_known_length(parser.get()) && has_one_host(parser.get())) co_return true;
  co_await refuse(http::status::bad_request);
  co_return false;
}

asio::awaitable<bool> HttpConnection::let_go_ahead(const HeadParser& parser) {
  if (!beast::iequals(parser.get()[http::field::expect], "100-continue")) co_return true;
  std::vector<std::string> interim{"HTTP/1.1 100 Continue\r\n\r\n"};
  co_return co_await send(std::move(interim));
}

asio::awaitable<bool> HttpConnection::take_whole(HeadParser& head_parser, RequestHead head,
                                                 Responder responder) {
  if (head_parser.content_length().value_or(0) > options_.body_bytes_max) {
    co_await refuse(http::status::payload_too_large);
    co_return false;
  }
  if (!co_await let_go_ahead(head_parser)) co_return false;
  http::request_parser<http::string_body> parser(std::move(head_parser));
  parser.body_limit(options_.body_bytes_max);
  error_code error;
  stream_.tcp().expires_after(options_.read_timeout);
  buffer_.reserve(read_bytes);
  co_await http::async_read(stream_, buffer_, parser, into(error));
  stream_.tcp().expires_never();
  if (is_closed_) co_return false;
  if (error) {
    co_await refuse(error);
    co_return false;
  }
  service_.handler({std::move(head), std::move(parser.get().body())}, std::move(responder));
  co_return true;
}

asio::awaitable<bool> HttpConnection::take_parts(HeadParser& head_parser,
                                                 std::unique_ptr<BodySink> sink,
                                                 std::shared_ptr<Responder::Exchange> exchange) {
  const auto is_answered = [this] { return answer_.has_parts() || answer_.is_whole(); };
  if (!is_answered() && !co_await let_go_ahead(head_parser)) co_return false;
  BodyReader body(std::move(head_parser));
  const std::shared_ptr<char> part = new_part();
  std::size_t filled = 0;
  bool is_first = true;
  const TimePoint begun = std::chrono::steady_clock::now();
  std::uint64_t bytes = 0;
  while (!body.is_done() && !is_answered()) {
    error_code error;
    stream_.tcp().expires_after(options_.read_timeout);
    const std::size_t got =
        co_await body.read(stream_, buffer_, {part.get() + filled, part_bytes - filled}, error);
    stream_.tcp().expires_never();
    if (is_closed_) co_return false;
    if (error) {
      sink.reset();
      co_await refuse(error);
      co_return false;
    }
    bytes += got;
    if (!body.is_done() && is_too_slow(bytes, begun, options_)) {
      sink.reset();
      co_await refuse(http::status::request_timeout);
      co_return false;
    }
    filled += got;
    if (filled < (is_first ? page_bytes : part_bytes) && !body.is_done()) continue;
    const std::size_t handed_on = body.is_done() ? filled : filled / page_bytes * page_bytes;
    if (handed_on == 0) continue;
    is_first = false;
    may_take_more_ = false;
    sink->write({part.get(), handed_on}, [exchange, part] {
      exchange->tell([](HttpConnection& self) { self.take_more(); });
    });
    while (!may_take_more_ && !is_answered() && !is_closed_) {
      error_code woken;
      co_await wake_.async_wait(into(woken));
    }
    if (is_closed_) co_return false;
    filled -= handed_on;
    std::memmove(part.get(), part.get() + handed_on, filled);
  }
  exchange.reset();
  if (body.is_done()) {
    keep_open();
    sink->finish();
    co_return true;
  }
  sink.reset();
  if (co_await send_answer()) co_await hear_out();
  co_return false;
}

asio::awaitable<void> HttpConnection::refuse(error_code error) {
  if (error == http::error::body_limit) {
    co_await refuse(http::status::payload_too_large);
  } else if (error == http::error::header_limit) {
    co_await refuse(http::status::request_header_fields_too_large);
  } else if (error.category() == http::make_error_code(http::error::bad_value).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    co_await refuse(http::status::bad_request);
  }
}

asio::awaitable<bool> HttpConnection::send_answer() {
  for (;;) {
    while (!answer_.has_parts() && !answer_.is_whole() && when_sent_.empty() && !is_closed_) {
      error_code woken;
      co_await wake_.async_wait(into(woken));
    }
    if (is_closed_) co_return false;
    if (!answer_.has_parts() && when_sent_.empty()) co_return answer_.keeps_alive();
    std::vector<std::string> parts = answer_.take_parts();
    const std::vector<std::function<void()>> when_sent = std::exchange(when_sent_, {});
    if (!co_await send(std::move(parts))) co_return false;
    for (const std::function<void()>& then : when_sent) then();
  }
}

asio::awaitable<bool> HttpConnection::send(std::vector<std::string> parts) {
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(parts.size());
  for (const std::string& part : parts) buffers.emplace_back(part.data(), part.size());
  beast::buffers_suffix<std::vector<asio::const_buffer>> rest(buffers);
  while (beast::buffer_bytes(rest) > 0) {
    error_code error;
    stream_.tcp().expires_after(options_.read_timeout);
    const std::size_t sent = co_await stream_.async_write_some(rest, into(error));
    stream_.tcp().expires_never();
    if (error || is_closed_) co_return false;
    rest.consume(sent);
  }
  co_return true;
}

asio::awaitable<void> HttpConnection::refuse(http::status status) {
  Answer refusal;
  refusal.respond(static_cast<int>(status), reason_of(static_cast<int>(status)), {}, {});
  std::vector<std::string> parts = refusal.take_parts();
  if (co_await send(std::move(parts))) co_await hear_out();
}

// A close with bytes unread would be a reset, which takes the answer along: the rest is read first.
asio::awaitable<void> HttpConnection::hear_out() {
  error_code error;
  stream_.tcp().socket().shutdown(tcp::socket::shutdown_send, error);
  buffer_.consume(buffer_.size());
  stream_.tcp().expires_after(options_.read_timeout);
  while (!error) co_await stream_.async_read_some(buffer_.prepare(unheard_bytes), into(error));
}

void HttpConnection::answer(const std::function<void(Answer&)>& how) {
  how(answer_);
  wake_.cancel();
}

void HttpConnection::when_sent(std::function<void()> then) {
  when_sent_.push_back(std::move(then));
}

void HttpConnection::take_more() {
  may_take_more_ = true;
  wake_.cancel();
}

void HttpConnection::abort() {
  error_code error;
  stream_.tcp().socket().set_option(asio::socket_base::linger(true, 0), error);
  close();
}

void Responder::respond(int status, HttpHeaders headers, std::string body) const {
  exchange_->tell([status, headers = std::move(headers),
                   body = std::move(body)](HttpConnection& connection) mutable {
    connection.answer([&](Answer& answer) {
      answer.respond(status, reason_of(status), headers, std::move(body));
    });
  });
}

void Responder::begin(int status, HttpHeaders headers,
                      std::optional<std::uint64_t> content_length) const {
  exchange_->tell(
      [status, headers = std::move(headers), content_length](HttpConnection& connection) {
        connection.answer([&](Answer& answer) {
          answer.begin(status, reason_of(status), headers, content_length);
        });
      });
}

void Responder::write(std::string part) const {
  exchange_->tell([part = std::move(part)](HttpConnection& connection) mutable {
    connection.answer([&](Answer& answer) { answer.write(std::move(part)); });
  });
}

void Responder::write(std::string part, std::function<void()> then) const {
  exchange_->tell(
      [part = std::move(part), then = std::move(then)](HttpConnection& connection) mutable {
        connection.when_sent(std::move(then));
        connection.answer([&](Answer& answer) { answer.write(std::move(part)); });
      });
}

void Responder::finish() const {
  exchange_->tell([](HttpConnection& connection) { connection.answer(&Answer::finish); });
}

void Responder::abort() const {
  exchange_->tell([](HttpConnection& connection) { connection.abort(); });
}

void Responder::after(std::chrono::nanoseconds delay, std::function<void()> then) const {
  exchange_->work().call_after(delay, std::move(then));
}

bool Responder::is_over() const {
  return exchange_->is_over();
}

}  // namespace penstock
