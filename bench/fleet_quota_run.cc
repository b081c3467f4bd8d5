// One process of a fleet that shares a quota, for scripts/bench-fleet-quota: embeds generated packs
// at a service that enforces the quota, through EmbeddingService and a budget in Redis. Bulk never
// runs out; requests that somebody waits for come at random. Prints a JSON line with how long each
// of those waited for its grant.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bench/text.h"
#include "cli/embedding_service.h"
#include "engine/backends/redis/redis_budget.h"
#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {
namespace {

using Json = nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;

struct RunOptions {
  std::string url;
  std::string redis_url;
  EmbedderOptions embedder;
  double ends_at = 0;  // seconds since 1970, so that a fleet ends together
  std::uint32_t bulk_waiting = 16;
  double arrivals_per_second = 0.2;
  std::uint64_t seed = 1;
};

TimePoint now() {
  return std::chrono::steady_clock::now();
}

// What is embedded, over and over: inputs of about so many bytes, and their exact tokens.
class Inputs {
 public:
  explicit Inputs(std::size_t input_bytes) : text_(bench_text(1 << 18)) {
    const Tokenizer tokenizer(Encoding::cl100k_base);
    for (std::size_t at = 0; at + 2 * input_bytes < text_.size(); at += input_bytes) {
      // From the start of a word to the start of another: no character is cut.
      const std::size_t from = text_.find(' ', at) + 1;
      const std::size_t to = text_.find(' ', from + input_bytes);
      inputs_.push_back(std::string_view(text_).substr(from, to - from));
      tokens_.push_back(tokenizer.count(inputs_.back()));
    }
  }

  struct Pack {
    std::vector<std::string_view> inputs;
    std::uint64_t tokens = 0;
  };
  Pack pack(std::mt19937_64& random, std::uint64_t tokens_max) const {
    Pack pack;
    for (;;) {
      const std::size_t next = random() % inputs_.size();
      if (!pack.inputs.empty() && pack.tokens + tokens_[next] > tokens_max) return pack;
      pack.inputs.push_back(inputs_[next]);
      pack.tokens += tokens_[next];
    }
  }

 private:
  const std::string text_;
  std::vector<std::string_view> inputs_;
  std::vector<std::uint64_t> tokens_;
};

class Worker {
 public:
  Worker(const RunOptions& options, EmbeddingService& service)
      : service_(service), random_(options.seed), bulk_(2'000), queries_(80) {}

  void start_bulk() {
    Inputs::Pack pack;
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      pack = bulk_.pack(random_, service_.embedder().limits().tokens_max);
    }
    send(std::move(pack), Lane::bulk);
  }
  void start_query() {
    Inputs::Pack pack;
    {
      const std::lock_guard lock(mutex_);
      pack = queries_.pack(random_, 1);
    }
    send(std::move(pack), Lane::interactive);
  }
  // Until everything has ended.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    service_.quota().stop();
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return open_ == 0; });
  }

  // To be asked at the end.
  Json report() const {
    return {{"requests", requests_},
            {"tokens", tokens_},
            {"failed", failed_},
            {"interactive_waits_s", waits_s_}};
  }

 private:
  void send(Inputs::Pack pack, Lane lane) {
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    const std::uint64_t tokens = pack.tokens;
    service_.quota().reserve(
        tokens, lane,
        [this, lane, asked_at = now(), inputs = std::move(pack.inputs)](Result<Grant> grant) {
          if (!grant) {
            close();
            return;
          }
          if (lane == Lane::interactive) {
            const std::lock_guard lock(mutex_);
            waits_s_.push_back(Seconds(now() - asked_at).count());
          }
          service_.embedder().embed(inputs, grant->key, [this, lane, grant](Embedding answer) {
            service_.quota().settle(*grant, answer.receipt);
            {
              const std::lock_guard lock(mutex_);
              ++requests_;
              tokens_ += grant->tokens;
              failed_ += answer.receipt.answer == Answer::embedded ? 0 : 1;
            }
            if (lane == Lane::bulk) start_bulk();
            close();
          });
        });
  }
  void close() {
    const std::lock_guard lock(mutex_);
    --open_;
    ended_.notify_all();
  }

  EmbeddingService& service_;
  std::mutex mutex_;
  std::condition_variable ended_;
  // Guarded by mutex_.
  std::mt19937_64 random_;
  const Inputs bulk_;
  const Inputs queries_;
  bool ending_ = false;
  std::uint64_t open_ = 0;  // asked for and not ended
  std::uint64_t requests_ = 0;
  std::uint64_t tokens_ = 0;
  std::uint64_t failed_ = 0;
  std::vector<double> waits_s_;
};

void measure(RunOptions options) {
  using Clock = std::chrono::system_clock;
  const Clock::time_point ends_at{
      std::chrono::duration_cast<Clock::duration>(Seconds(options.ends_at))};
  options.embedder.url = "openai:" + options.url;
  options.embedder.request_timeout_s = 10;
  EmbeddingService service(options.embedder, std::nullopt, [&](const BudgetTerms& terms) {
    return std::make_unique<RedisBudget>(options.redis_url, terms);
  });
  Worker worker(options, service);
  for (std::uint32_t i = 0; i < options.bulk_waiting; ++i) worker.start_bulk();
  std::mt19937_64 random(options.seed + 1'000'000);
  std::exponential_distribution<double> gap(options.arrivals_per_second);
  Clock::time_point next = Clock::now();
  for (;;) {
    next += std::chrono::duration_cast<Clock::duration>(Seconds(gap(random)));
    if (next >= ends_at) break;
    std::this_thread::sleep_until(next);
    worker.start_query();
  }
  std::this_thread::sleep_until(ends_at);
  worker.end();
  fmt::print("{}\n", worker.report().dump());
}

// Absent: the usage was printed, and the process ends with `exit_code`.
std::optional<RunOptions> parse(int argc, char** argv, int& exit_code) {
  RunOptions options;
  CLI::App app("One process of a fleet that shares a quota in Redis");
  app.add_option("URL", options.url, "What `penstock emulate openai` serves")->required();
  app.add_option("REDIS-URL", options.redis_url, "Where the fleet's budget is")->required();
  app.add_option("--key", options.embedder.keys, "NAME:RPM:TPM")->required();
  app.add_option("--keys-file", options.embedder.keys_file)->required();
  app.add_option("--interactive-share", options.embedder.interactive_share)->capture_default_str();
  app.add_option("--ends-at", options.ends_at, "Seconds since 1970")->required();
  app.add_option("--bulk-waiting", options.bulk_waiting, "Bulk requests waiting or under way")
      ->capture_default_str();
  app.add_option("--arrivals", options.arrivals_per_second, "Interactive requests a second")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return std::nullopt;
  }
  return options;
}

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  int exit_code = 0;
  try {
    const std::optional<RunOptions> options = parse(argc, argv, exit_code);
    if (options) measure(*options);
    return exit_code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fleet_quota_run: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  return penstock::run(argc, argv);
}
