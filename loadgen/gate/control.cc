#include "loadgen/gate/control.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/sha256.h"
#include "engine/core/unique_fd.h"
#include "loadgen/gate/metrics.h"

namespace penstock {
namespace {

constexpr std::size_t hashed_bytes = 64 << 20;
constexpr std::size_t hashed_at_once = 1 << 20;
constexpr std::size_t written_bytes = 16 << 20;

template <typename Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void hash() {
  const std::string bytes(hashed_at_once, 'x');
  Sha256Stream stream;
  for (std::size_t at = 0; at < hashed_bytes; at += bytes.size()) stream.add(bytes);
  stream.digest();
}

void hash_on_all_cores() {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(std::thread::hardware_concurrency(), 1u); ++i)
    threads.emplace_back(hash);
  for (std::thread& thread : threads) thread.join();
}

void write_through(const std::string& path) {
  const std::string bytes(written_bytes, 'x');
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  std::size_t written = 0;
  while (file && written < bytes.size()) {
    const ssize_t more = write(file.get(), bytes.data() + written, bytes.size() - written);
    if (more < 0 && errno != EINTR) break;
    written += more > 0 ? static_cast<std::size_t>(more) : 0;
  }
  if (written < bytes.size() || fsync(file.get()) != 0)
    throw FatalError(path + ": " + std::strerror(errno));
}

}  // namespace

Values time_controls(const std::string& folder) {
  const std::string path = folder + "/control";
  Values values;
  values[std::string(metric::control_core)] = seconds_of(hash);
  values[std::string(metric::control_cores)] = seconds_of(hash_on_all_cores);
  values[std::string(metric::control_disk)] = seconds_of([&] { write_through(path); });
  unlink(path.c_str());
  return values;
}

}  // namespace penstock
