#include "engine/http/http_server.h"

#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "engine/http/http_connection.h"
#include "engine/http/server_certificate.h"
#include "engine/http/work.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds accept_pause{100};

// Work that ends with an exception is a mistake in this program.
void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
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
  explicit Listener(HttpService service);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void drain(milliseconds grace);

  const std::string& address() const { return address_; }
  std::size_t connections() {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }

 private:
  void listen();
  asio::awaitable<void> accept();
  // Serves it, unless the server is ending.
  void serve(tcp::socket socket);
  // In the acceptor's executor.
  void stop_accepting();
  void tell_count() const {
    if (service_.counted) service_.counted(connections_.size());
  }

  const HttpService service_;
  const HttpServerOptions& options_ = service_.options;
  std::optional<ServerCertificate> certificate_;  // absent: in the clear
  const std::shared_ptr<Work> work_ = std::make_shared<Work>();
  tcp::acceptor acceptor_{asio::make_strand(work_->io())};
  asio::steady_timer pause_{acceptor_.get_executor()};
  std::string address_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::set<std::shared_ptr<HttpConnection>> connections_;
  bool is_ending_ = false;
  bool is_draining_ = false;
  std::condition_variable none_left_;

  std::vector<std::thread> threads_;
};

HttpServer::Listener::Listener(HttpService service) : service_(std::move(service)) {
  if (!options_.certificate_file.empty()) certificate_.emplace(options_);
  listen();
  asio::co_spawn(acceptor_.get_executor(), accept(), rethrow);
  for (std::size_t i = 0; i < options_.threads; ++i)
    threads_.emplace_back([this] { work_->io().run(); });
}

HttpServer::Listener::~Listener() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (const std::shared_ptr<HttpConnection>& connection : connections_)
      asio::post(connection->executor(), [connection] { connection->close(); });
  }
  asio::post(acceptor_.get_executor(), [this] { stop_accepting(); });
  work_->end();
  for (std::thread& thread : threads_) thread.join();
}

void HttpServer::Listener::stop_accepting() {
  acceptor_.close();
  pause_.cancel();
}

void HttpServer::Listener::drain(milliseconds grace) {
  // Nobody hears of it before it takes no more.
  asio::post(acceptor_.get_executor(), [this] {
    stop_accepting();
    const std::lock_guard lock(mutex_);
    is_draining_ = true;
    for (const std::shared_ptr<HttpConnection>& connection : connections_)
      asio::post(connection->executor(), [connection] { connection->drain(); });
    none_left_.notify_all();
  });
  std::unique_lock lock(mutex_);
  none_left_.wait_for(lock, grace, [this] { return is_draining_ && connections_.empty(); });
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
    if (!error) serve(std::move(socket));
    // Out of descriptors, say: it would fail again at once until a connection ends. Who is not
    // accepted waits in the kernel's queue.
    while (acceptor_.is_open() && (error || connections() >= options_.connections_max)) {
      pause_.expires_after(accept_pause);
      co_await pause_.async_wait(into(error));
      error = {};
    }
  }
}

void HttpServer::Listener::serve(tcp::socket socket) {
  error_code error;
  socket.set_option(tcp::no_delay(true), error);
  const auto connection = std::make_shared<HttpConnection>(
      std::move(socket), certificate_ ? &certificate_->current() : nullptr, service_);
  const std::lock_guard lock(mutex_);
  if (is_ending_) return;
  connections_.insert(connection);
  if (is_draining_) asio::post(connection->executor(), [connection] { connection->drain(); });
  tell_count();
  asio::co_spawn(connection->executor(), connection->serve(work_),
                 [this, connection](const std::exception_ptr& thrown) {
                   rethrow(thrown);
                   const std::lock_guard ended(mutex_);
                   connections_.erase(connection);
                   if (connections_.empty()) none_left_.notify_all();
                   tell_count();
                 });
}

HttpServer::HttpServer(HttpServerOptions options, Handler handler, SinkOf sink_of, Counted counted)
    : listener_(std::make_unique<Listener>(HttpService{std::move(options), std::move(handler),
                                                       std::move(sink_of), std::move(counted)})) {}

HttpServer::~HttpServer() = default;

void HttpServer::drain(milliseconds grace) {
  listener_->drain(grace);
}

const std::string& HttpServer::address() const {
  return listener_->address();
}

}  // namespace penstock
