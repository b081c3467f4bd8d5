#include "loadgen/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "engine/core/unique_fd.h"
#include "engine/http/json.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds between_looks{10};
// Longer, since it costs the machine something: of a caller's looks at what it waits for.
constexpr std::chrono::milliseconds between_calls{20};
constexpr std::chrono::seconds patience_until_it_serves{30};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Between fork and exec: nothing here may allocate.
[[noreturn]] void become(char* const* arguments, char* const* environment, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it has ended before that was set
  setpgid(0, 0);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

Child::Child(std::vector<std::string> command, const std::vector<std::string>& environment,
             std::filesystem::path log)
    : name_(command.size() > 1 ? "penstock " + command[1] : command[0]), log_(std::move(log)) {
  std::vector<std::string> variables = environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  const UniqueFd file(
      ::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!file) throw FatalError(log_.string() + ": " + std::strerror(errno));
  const std::vector<char*> arguments = pointers_to(command);
  const std::vector<char*> pointers = pointers_to(variables);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(arguments.data(), pointers.data(), file.get(), parent);
  if (pid_ < 0) throw FatalError(name_ + " does not start: " + std::strerror(errno));
}

Child::~Child() {
  if (has_ended(false)) return;
  kill(pid_, SIGKILL);
  has_ended(true);
}

std::string Child::first_line(std::chrono::seconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const bool is_last_look = has_ended(false) || std::chrono::steady_clock::now() > until;
    std::string said = output();
    if (const std::size_t end = said.find('\n'); end != std::string::npos && !ended_)
      return said.substr(0, end);
    if (is_last_look) {
      while (said.ends_with('\n')) said.pop_back();
      throw FatalError(name_ + ' ' + end().value_or("does not serve") +
                       (said.empty() ? "" : ": " + said));
    }
    std::this_thread::sleep_for(between_looks);
  }
}

std::string Child::url() {
  const std::string line = first_line(patience_until_it_serves);
  const Json said = Json::parse(line, nullptr, false);
  if (!said.is_object() || !said.contains("url"))
    throw FatalError(name_ + " does not serve: " + line);
  std::string url = said["url"].get<std::string>();
  while (url.ends_with('/')) url.pop_back();
  return url;
}

void Child::stop(std::chrono::seconds grace) {
  if (has_ended(false)) return;
  kill(pid_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + grace;
  while (!has_ended(false) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(between_looks);
  if (ended_) return;
  kill(pid_, SIGKILL);
  has_ended(true);
}

int Child::wait() {
  has_ended(true);
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

bool Child::wait_unless(const std::atomic<bool>& interrupted, const std::function<void()>& look) {
  while (!has_ended(false)) {
    if (interrupted) return false;
    look();
    std::this_thread::sleep_for(between_calls);
  }
  return true;
}

std::optional<std::string> Child::end() {
  if (!has_ended(false)) return std::nullopt;
  return WIFSIGNALED(status_) ? fmt::format("was killed by signal {}", WTERMSIG(status_))
                              : fmt::format("ended with exit code {}", WEXITSTATUS(status_));
}

std::string Child::output() const {
  std::ifstream file(log_, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

bool Child::has_ended(bool block) {
  while (!ended_) {
    const pid_t which = waitpid(pid_, &status_, block ? 0 : WNOHANG);
    if (which == 0) return false;
    ended_ = which == pid_ || errno != EINTR;
  }
  return true;
}

}  // namespace penstock
