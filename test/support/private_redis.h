// A Redis of a test's own, to be killed and started again.
#pragma once

#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <thread>

#include "engine/backends/redis/redis.h"
#include "engine/core/unique_fd.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {

// Remembers by an append-only file what it was told. Listens on a free port of the loopback, the
// same after each start.
class PrivateRedis {
 public:
  PrivateRedis() : port_(free_port()) { start(); }
  ~PrivateRedis() { kill(); }
  PrivateRedis(const PrivateRedis&) = delete;
  PrivateRedis& operator=(const PrivateRedis&) = delete;

  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

  // As a machine's end would, but for what the kernel has not written yet.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  void start() {
    std::string port = std::to_string(port_);
    std::string folder = folder_.path();
    std::string log = folder_.path("redis.log");
    const auto word = [](const char* text) { return const_cast<char*>(text); };
    const std::array<char*, 14> arguments = {word("redis-server"),
                                             word("--port"),
                                             port.data(),
                                             word("--bind"),
                                             word("127.0.0.1"),
                                             word("--dir"),
                                             folder.data(),
                                             word("--logfile"),
                                             log.data(),
                                             word("--appendonly"),
                                             word("yes"),
                                             word("--save"),
                                             word(""),
                                             nullptr};
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
  const std::uint16_t port_;
  pid_t pid_ = 0;
};

}  // namespace penstock
