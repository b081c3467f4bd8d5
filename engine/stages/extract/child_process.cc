#include "engine/stages/extract/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

namespace penstock {
namespace {

using namespace extractor_protocol;

constexpr std::size_t errors_bytes_max = 4096;

// A memory file that can change neither its size nor its seals: the child cannot make a reader of
// it fault.
UniqueFd sized_memory(const char* name, std::size_t bytes) {
  UniqueFd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return {};
  return fd;
}

tl::unexpected<Error> cannot_start(int code) {
  return retryable_error("an extraction process cannot be started: " +
                         std::generic_category().message(code));
}

// Descriptors are handed over under numbers that dup2 gives; one that has its number already would
// keep close-on-exec, so all are moved out of the way first.
UniqueFd above_all(UniqueFd fd) {
  constexpr int first_free = 16;
  if (!fd) return fd;  // errno says why
  return UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, first_free));
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::string& program, ExtractorKind kind,
                                         std::uint64_t memory_bytes_max) {
  ChildProcess child;
  std::array<int, 2> sockets{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    return cannot_start(errno);
  child.socket_.reset(sockets[0]);
  const UniqueFd child_socket = above_all(UniqueFd(sockets[1]));
  if (!child_socket) return cannot_start(errno);
  child.output_ = above_all(sized_memory("penstock-text", output_bytes));
  if (!child.output_) return cannot_start(errno);
  child.errors_ = above_all(sized_memory("penstock-errors", errors_bytes_max));
  if (!child.errors_) return cannot_start(errno);
  child.output_mapping_ =
      mmap(nullptr, output_bytes, PROT_READ, MAP_SHARED, child.output_.get(), 0);
  if (child.output_mapping_ == MAP_FAILED) {
    child.output_mapping_ = nullptr;
    return cannot_start(errno);
  }

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, child.errors_.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, child_socket.get(), socket_fd);
  posix_spawn_file_actions_adddup2(&actions, child.output_.get(), output_fd);
  std::string name = "penstock";
  std::string role = child_argument;
  std::string parent = std::to_string(getpid());
  std::string memory = std::to_string(memory_bytes_max);
  std::string extractor(name_of(kind));
  std::array<char*, 6> arguments = {name.data(),   role.data(),      parent.data(),
                                    memory.data(), extractor.data(), nullptr};
  const int code =
      posix_spawn(&child.pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    child.pid_ = -1;
    return cannot_start(code);
  }
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      socket_(std::move(other.socket_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)),
      output_mapping_(std::exchange(other.output_mapping_, nullptr)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(socket_, other.socket_);
  std::swap(output_, other.output_);
  std::swap(errors_, other.errors_);
  std::swap(output_mapping_, other.output_mapping_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) end();
  if (output_mapping_ != nullptr) munmap(output_mapping_, output_bytes);
}

bool ChildProcess::send(const Request& request, int document) {
  iovec data{const_cast<Request*>(&request), sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (document >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof document);
    std::memcpy(CMSG_DATA(header), &document, sizeof document);
  }
  return sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == sizeof request;
}

std::optional<Reply> ChildProcess::receive() {
  Reply reply;
  if (recv(socket_.get(), &reply, sizeof reply, MSG_DONTWAIT) != sizeof reply) return std::nullopt;
  reply.text.back() = '\0';
  return reply;
}

std::string ChildProcess::take_output(std::size_t bytes) {
  // Copied before it is looked at: the child can still write to it.
  std::string text(static_cast<const char*>(output_mapping_), bytes);
  constexpr std::size_t kept = 1 << 20;
  if (bytes > kept)
    fallocate(output_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
              static_cast<off_t>(output_bytes));
  return text;
}

std::uint64_t ChildProcess::resident_bytes() const {
  const std::string path = "/proc/" + std::to_string(pid_) + "/statm";
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  unsigned long shared = 0;
  const int fields = std::fscanf(file, "%lu %lu %lu", &total, &resident, &shared);
  std::fclose(file);
  return fields == 3 ? (resident - shared) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

std::chrono::nanoseconds ChildProcess::cpu_time() const {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void ChildProcess::limit_cpu_time(std::chrono::nanoseconds cpu_time_max) {
  // Only the soft limit, which can be raised again; the child itself may not call for that.
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(cpu_time_max);
  const rlimit limit{static_cast<rlim_t>(seconds.count()), RLIM_INFINITY};
  static_cast<void>(prlimit(pid_, RLIMIT_CPU, &limit, nullptr));
}

ChildProcess::End ChildProcess::end() {
  End end;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, &end.status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  std::array<char, errors_bytes_max> errors;
  const ssize_t size = pread(errors_.get(), errors.data(), errors.size(), 0);
  if (size > 0)
    end.errors.assign(errors.data(), strnlen(errors.data(), static_cast<std::size_t>(size)));
  return end;
}

}  // namespace penstock
