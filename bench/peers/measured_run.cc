#include "bench/peers/measured_run.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <new>
#include <span>
#include <stdexcept>
#include <system_error>

namespace penstock {
namespace {

constexpr std::uint32_t idle = ~std::uint32_t{0};

std::chrono::nanoseconds now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// What the supervisor and its workers share: which run comes next, which each worker is at, and
// what was measured. A run is one extraction of one document.
class Board {
 public:
  Board(std::size_t runs, std::size_t workers)
      : size_(sizeof(Header) + workers * sizeof(std::atomic<std::uint32_t>) +
              runs * sizeof(Measured)) {
    void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    header_ = new (memory) Header;
    auto* measured = reinterpret_cast<Measured*>(header_ + 1);
    for (std::size_t i = 0; i < runs; ++i) new (measured + i) Measured;
    measured_ = {measured, runs};
    auto* current = reinterpret_cast<std::atomic<std::uint32_t>*>(measured + runs);
    for (std::size_t i = 0; i < workers; ++i) new (current + i) std::atomic<std::uint32_t>(idle);
    current_ = {current, workers};
  }
  ~Board() { munmap(header_, size_); }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  std::atomic<std::uint32_t>& next() { return header_->next; }
  std::atomic<std::uint32_t>& current(std::size_t worker) { return current_[worker]; }
  std::span<Measured> measured() { return measured_; }

 private:
  struct alignas(Measured) Header {
    std::atomic<std::uint32_t> next{0};
  };

  const std::size_t size_;
  Header* header_;
  std::span<Measured> measured_;
  std::span<std::atomic<std::uint32_t>> current_;
};

class Run {
 public:
  Run(const std::vector<std::string>& documents,
      const std::function<std::unique_ptr<Peer>()>& make_peer, const MeasuredRunOptions& options)
      : documents_(documents),
        make_peer_(make_peer),
        options_(options),
        board_(documents.size() * options.passes, options.workers),
        workers_(options.workers) {}

  std::vector<Measured> supervise() {
    for (std::size_t worker = 0; worker < workers_.size(); ++worker) start(worker);
    std::size_t living = workers_.size();
    while (living > 0) {
      usleep(5'000);
      for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
        if (workers_[worker] < 0) continue;
        const bool killed = kill_if_overdue(worker);
        int status = 0;
        if (waitpid(workers_[worker], &status, killed ? 0 : WNOHANG) == 0) continue;
        workers_[worker] = -1;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
          --living;
        } else {
          close_run(worker, killed ? Outcome::timed_out : Outcome::crashed);
          start(worker);
        }
      }
    }
    return {board_.measured().begin(), board_.measured().end()};
  }

 private:
  void start(std::size_t worker) {
    workers_[worker] = fork();
    if (workers_[worker] < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (workers_[worker] > 0) return;
    // Dies with its supervisor, leaves no core dump, and cannot take all of the machine's memory.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    rlim_t address_space_max = rlim_t{4} << 30;
    for (const std::string& document : documents_) address_space_max += document.size();
    const rlimit memory{address_space_max, address_space_max};
    const rlimit none{0, 0};
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_CORE, &none);
    work(worker);
    _exit(0);
  }

  void work(std::size_t worker) {
    const std::unique_ptr<Peer> peer = make_peer_();
    for (;;) {
      const std::uint32_t run = board_.next()++;
      if (run >= board_.measured().size()) return;
      Measured& measured = board_.measured()[run];
      measured.began = now(CLOCK_MONOTONIC);
      measured.cpu_began = now(CLOCK_PROCESS_CPUTIME_ID);
      board_.current(worker) = run;
      const PeerText text = peer->extract(documents_[run % documents_.size()]);
      measured.cpu = now(CLOCK_PROCESS_CPUTIME_ID) - measured.cpu_began;
      measured.ended = now(CLOCK_MONOTONIC);
      measured.pages = text.pages;
      measured.text_bytes = text.utf8.size();
      measured.outcome = text.outcome;
      board_.current(worker) = idle;
      if (!options_.text_folder.empty()) write(run % documents_.size(), text.utf8);
    }
  }

  void write(std::size_t document, const std::string& utf8) const {
    const std::string path = options_.text_folder + "/" + std::to_string(document) + ".txt";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr || std::fwrite(utf8.data(), 1, utf8.size(), file) != utf8.size() ||
        std::fclose(file) != 0) {
      std::perror(path.c_str());
      _exit(1);
    }
  }

  bool kill_if_overdue(std::size_t worker) {
    const std::uint32_t run = board_.current(worker);
    if (run == idle) return false;
    const Measured& measured = board_.measured()[run];
    clockid_t cpu_clock{};
    if (clock_getcpuclockid(workers_[worker], &cpu_clock) != 0) return false;  // it has just ended
    const std::chrono::nanoseconds cpu = now(cpu_clock) - measured.cpu_began;
    const std::chrono::nanoseconds wall = now(CLOCK_MONOTONIC) - measured.began;
    if (std::max(cpu, wall / 10) < options_.document_timeout) return false;
    kill(workers_[worker], SIGKILL);
    return true;
  }

  // The run that a dead worker was at.
  void close_run(std::size_t worker, Outcome outcome) {
    const std::uint32_t run = board_.current(worker).exchange(idle);
    if (run == idle) throw std::runtime_error("a worker died between two documents");
    Measured& measured = board_.measured()[run];
    measured.outcome = outcome;
    measured.ended = now(CLOCK_MONOTONIC);
  }

  const std::vector<std::string>& documents_;
  const std::function<std::unique_ptr<Peer>()>& make_peer_;
  const MeasuredRunOptions& options_;
  Board board_;
  std::vector<pid_t> workers_;  // -1: gone
};

}  // namespace

std::vector<Measured> measured_run(const std::vector<std::string>& documents,
                                   const std::function<std::unique_ptr<Peer>()>& make_peer,
                                   const MeasuredRunOptions& options) {
  return Run(documents, make_peer, options).supervise();
}

}  // namespace penstock
