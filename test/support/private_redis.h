// A Redis of a test's own, to be killed and started again.
#pragma once

#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/redis/redis.h"
#include "engine/core/unique_fd.h"
#include "test/support/catch.h"
#include "test/support/certificate.h"
#include "test/support/temp_dir.h"

namespace penstock {

// Remembers by an append-only file what it was told. Listens on a free port of the loopback, the
// same after each start, also at 127.0.0.2, which is not on its certificate. With one, which the
// process must trust whenever it starts, it speaks TLS and nothing else.
class PrivateRedis {
 public:
  explicit PrivateRedis(const Certificate* certificate = nullptr)
      : certificate_(certificate), port_(free_port()) {
    start();
  }
  ~PrivateRedis() { kill(); }
  PrivateRedis(const PrivateRedis&) = delete;
  PrivateRedis& operator=(const PrivateRedis&) = delete;

  std::string url() const {
    return (certificate_ == nullptr ? "redis://127.0.0.1:" : "rediss://127.0.0.1:") +
           std::to_string(port_);
  }
  std::uint16_t port() const { return port_; }

  // As a machine's end would, but for what the kernel has not written yet.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  void start() {
    std::vector<std::string> words = {
        "redis-server", "--bind",       "127.0.0.1", "127.0.0.2",
        "--dir",        folder_.path(), "--logfile", folder_.path("redis.log"),
        "--appendonly", "yes",          "--save",    ""};
    if (certificate_ == nullptr) {
      words.insert(words.end(), {"--port", std::to_string(port_)});
    } else {
      words.insert(words.end(), {"--port", "0", "--tls-port", std::to_string(port_),
                                 "--tls-cert-file", certificate_->path(), "--tls-key-file",
                                 certificate_->key_path(), "--tls-auth-clients", "no"});
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    REQUIRE(::posix_spawnp(&pid_, "redis-server", nullptr, nullptr, arguments.data(), environ) ==
            0);
    Redis redis(url());
    while (!redis.run("", {"PING"})) {
      REQUIRE(::waitpid(pid_, nullptr, WNOHANG) == 0);  // it runs
      std::this_thread::yield();
    }
  }

 private:
  static std::uint16_t free_port() {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
  }

  const TempDir folder_;
  const Certificate* const certificate_;
  const std::uint16_t port_;
  pid_t pid_ = 0;
};

}  // namespace penstock
