// One client of a server. For http_connection.cc and http_server.cc only, which know Beast.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/http/answer.h"
#include "engine/http/http_server.h"
#include "engine/http/http_stream.h"
#include "engine/http/work.h"

namespace penstock {

// What a server was made with.
struct HttpService {
  HttpServerOptions options;
  HttpServer::Handler handler;
  HttpServer::SinkOf sink_of;
  HttpServer::Counted counted;
};

// Its requests are served one after another: while one is answered nothing is read, so that what is
// held for a client is one request (body_bytes_max, or a part of it), and of one answer what its
// handler has written and the client has not taken. A client that takes nothing for read_timeout is
// dropped. All of it happens on the connection's strand.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `tls`, null in the clear, is needed for the moment only.
  HttpConnection(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls,
                 const HttpService& service);

  auto executor() { return stream_.get_executor(); }

  // Ends when the connection does.
  boost::asio::awaitable<void> serve(std::shared_ptr<Work> work);

  // Of the exchange with this number, as in Responder.
  bool is_at(std::uint64_t exchange) const { return exchange == exchange_; }
  void answer(const std::function<void(Answer&)>& how);
  // Called once what was written so far is sent.
  void when_sent(std::function<void()> then);
  void take_more();
  void abort();

  void close();
  // The exchange that is under way is the last; one that has served some, and waits for the next,
  // is closed.
  void drain();

 private:
  using HeadParser = boost::beast::http::request_parser<boost::beast::http::empty_body>;
  class BodyReader;

  boost::asio::awaitable<bool> shake_hands();
  // False when there is none to serve.
  boost::asio::awaitable<bool> read_head(HeadParser& parser);
  // Serves one. False when the connection cannot be used any more.
  boost::asio::awaitable<bool> serve_one(HeadParser& parser, const std::shared_ptr<Work>& work);
  // Reads the body and has it answered; likewise.
  boost::asio::awaitable<bool> take_whole(HeadParser& parser, RequestHead head,
                                          Responder responder);
  boost::asio::awaitable<bool> take_parts(HeadParser& parser, std::unique_ptr<BodySink> sink,
                                          std::shared_ptr<Responder::Exchange> exchange);
  boost::asio::awaitable<bool> let_go_ahead(const HeadParser& parser);
  // Answers what is no request, or too large a one.
  boost::asio::awaitable<void> refuse(boost::system::error_code error);
  // Sends what the handler answers. False when the connection cannot be used any more.
  boost::asio::awaitable<bool> send_answer();
  boost::asio::awaitable<bool> send(std::vector<std::string> parts);
  boost::asio::awaitable<void> refuse(boost::beast::http::status status);
  // Ends the connection so that the client hears what was said to it.
  boost::asio::awaitable<void> hear_out();
  // The exchange need not be the last.
  void keep_open();
  void end_exchange();

  const std::string peer_;
  HttpStream stream_;
  boost::asio::steady_timer wake_;  // never expires; cancelled to wake who waits for parts
  const HttpService& service_;
  const HttpServerOptions& options_;
  boost::beast::flat_buffer buffer_;
  bool is_closed_ = false;
  bool is_draining_ = false;
  bool is_idle_ = false;  // waits for another request

  // Of the present exchange.
  std::uint64_t exchange_ = 0;
  std::shared_ptr<std::atomic<bool>> is_over_ = std::make_shared<std::atomic<bool>>(false);
  Answer answer_;
  std::vector<std::function<void()>> when_sent_;
  bool may_take_more_ = false;  // of its body
};

class Responder::Exchange {
 public:
  Exchange(std::shared_ptr<Work> work, HttpConnection& connection, std::uint64_t number,
           std::shared_ptr<std::atomic<bool>> is_over);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Calls it on the connection's strand, unless the exchange is over by then.
  void tell(std::function<void(HttpConnection&)> call);

  Work& work() { return *work_; }
  // Its last part was sent, or its client went away.
  bool is_over() const { return *is_over_; }

 private:
  const std::shared_ptr<Work> work_;  // outlives the executor
  const HttpStream::executor_type executor_;
  const std::weak_ptr<HttpConnection> connection_;
  const std::uint64_t number_;
  const std::shared_ptr<std::atomic<bool>> is_over_;
};

std::string reason_of(int status);

}  // namespace penstock
