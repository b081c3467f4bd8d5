// The client against a TLS server that is none of ours: nginx, with a certificate that nobody
// trusts, in front of our own.
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <set>

#include "engine/core/unique_fd.h"
#include "engine/http/http_client.h"
#include "engine/http/http_server.h"
#include "test/support/catch.h"
#include "test/support/certificate.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

// nginx in a temporary folder. Its listening socket is made here and inherited, so that the port is
// ours from the start and requests wait for nginx rather than the test.
class Nginx {
 public:
  static constexpr const char* program = "/usr/sbin/nginx";

  // Prints why not.
  static bool is_there() {
    if (::access(program, X_OK) == 0) return Certificate::can_be_made();
    if (std::getenv("CI") != nullptr) FAIL("nginx is missing");
    WARN("skipped: nginx is missing (Debian package nginx-light)");
    return false;
  }

  explicit Nginx(const std::string& server) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    REQUIRE(::listen(listener_.get(), 128) == 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    start(server);
  }
  ~Nginx() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  std::string url() const { return "https://" + address_; }
  std::string certificate() const { return certificate_.path(); }

 private:
  void start(const std::string& server) {
    const std::string settings = folder_.write("nginx.conf", R"(
daemon off;
user root;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen )" + address_ + R"( ssl http2;
    ssl_certificate )" + certificate_.path() + R"(;
    ssl_certificate_key )" + certificate_.key_path() + R"(;
    location / {
      proxy_pass http://)" + server + R"(;
      add_header X-Protocol $server_protocol always;
      add_header X-Connection $connection always;
    }
  }
}
)");
    std::string name = "nginx";
    std::string prefix_option = "-p" + folder_.path();
    std::string settings_option = "-c" + settings;
    std::string log_option = "-e" + folder_.path("error.log");
    std::string inherited = "NGINX=" + std::to_string(listener_.get()) + ";";
    char* arguments[] = {name.data(), prefix_option.data(), settings_option.data(),
                         log_option.data(), nullptr};
    char* environment[] = {inherited.data(), nullptr};
    REQUIRE(::posix_spawn(&process_, program, nullptr, nullptr, arguments, environment) == 0);
  }

  const TempDir folder_;
  const Certificate certificate_;
  const UniqueFd listener_;
  std::string address_;
  pid_t process_ = 0;
};

void answer(const ServedRequest& request, const Responder& responder) {
  responder.respond(200, {}, request.body);
}

std::future<Result<HttpResponse>> start(HttpClient& client, HttpRequest request) {
  auto answer = std::make_shared<std::promise<Result<HttpResponse>>>();
  client.send(std::move(request), [answer](auto result) { answer->set_value(std::move(result)); });
  return answer->get_future();
}

TEST_CASE("http: a certificate that nobody trusts is refused for good") {
  if (!Nginx::is_there()) return;
  const HttpServer server({}, answer);
  const Nginx nginx(server.address());
  HttpClient client({});
  const Result<HttpResponse> response = start(client, {.url = nginx.url()}).get();
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().kind == ErrorKind::permanent);
  CHECK_THAT(response.error().message,
             StartsWith(nginx.url() + ": the certificate is not trusted (") &&
                 ContainsSubstring("self-signed") && ContainsSubstring("SSL_CERT_FILE"));
}

TEST_CASE("http: SSL_CERT_FILE says whom to trust and one HTTP/2 connection carries all") {
  if (!Nginx::is_there()) return;
  const HttpServer server({}, answer);
  const Nginx nginx(server.address());
  const TrustedFile trusted(nginx.certificate());
  HttpClient client({});
  std::vector<std::future<Result<HttpResponse>>> answers;
  for (int i = 0; i < 50; ++i)
    answers.push_back(
        start(client, {.method = "POST", .url = nginx.url(), .body = std::string(10'000, 'x')}));
  std::set<std::string> connections;
  for (auto& each : answers) {
    const Result<HttpResponse> response = each.get();
    REQUIRE(response.has_value());
    CHECK(response->headers.find("X-Protocol") == "HTTP/2.0");
    CHECK(response->body == std::string(10'000, 'x'));
    connections.emplace(response->headers.find("X-Connection").value());
  }
  CHECK(connections.size() == 1);
}

// Whether a client that trusts this certificate, and no other, is answered.
bool is_trusted(const Certificate& certificate, const HttpServer& server) {
  const TrustedFile trusted(certificate.path());
  HttpClient client({});
  return start(client, {.url = "https://" + server.address()}).get().has_value();
}

void replace(const std::string& file, const std::string& by) {
  std::filesystem::copy_file(by, file, std::filesystem::copy_options::overwrite_existing);
  // Whatever the file system's clock makes of a moment.
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + 1h);
}

TEST_CASE("http: a certificate that is renewed needs no restart") {
  if (!Certificate::can_be_made()) return;
  const Certificate first;
  const Certificate second;
  const Certificate files;
  replace(files.path(), first.path());
  replace(files.key_path(), first.key_path());
  std::vector<std::string> complaints;
  const HttpServer server({.certificate_file = files.path(),
                           .key_file = files.key_path(),
                           .complain = [&](const std::string& why) { complaints.push_back(why); }},
                          answer);
  CHECK(is_trusted(first, server));
  CHECK_FALSE(is_trusted(second, server));
  const TrustedFile trusted(first.path());
  HttpClient open({});
  CHECK(start(open, {.url = "https://" + server.address()}).get().has_value());

  // Its key follows.
  replace(files.path(), second.path());
  CHECK(is_trusted(first, server));
  CHECK(is_trusted(first, server));
  REQUIRE(complaints.size() == 1);
  CHECK_THAT(complaints[0], StartsWith(files.key_path() + ": cannot be used as the key of "));
  replace(files.key_path(), second.key_path());
  CHECK(is_trusted(second, server));
  CHECK_FALSE(is_trusted(first, server));
  CHECK(complaints.size() == 1);
  // Who is connected stays so.
  CHECK(start(open, {.url = "https://" + server.address()}).get().has_value());

  std::filesystem::remove(files.path());
  CHECK(is_trusted(second, server));
  CHECK(complaints.size() == 2);
}

TEST_CASE("http: a file of certificates that is missing is named") {
  const TrustedFile trusted("/nonexistent.pem");
  const HttpServer server({}, answer);
  HttpClient client({});
  const Result<HttpResponse> response = start(client, {.url = "https://" + server.address()}).get();
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().kind == ErrorKind::permanent);
  CHECK_THAT(response.error().message, ContainsSubstring("SSL_CERT_FILE"));
}

}  // namespace
}  // namespace penstock
