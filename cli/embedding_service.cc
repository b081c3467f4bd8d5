#include "cli/embedding_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <future>
#include <random>
#include <string_view>
#include <utility>

#include "engine/backends/local/lexical_embedder.h"
#include "engine/backends/local/no_quota.h"
#include "engine/backends/openai/openai_embedder.h"
#include "engine/core/last_failure.h"

namespace penstock {
namespace {

constexpr std::string_view openai_scheme = "openai:";

// Attempts at a text that somebody waits for: fewer than it takes to call the service down.
constexpr int attempts_max = 4;

std::vector<ApiKey> keys_of(const EmbedderOptions& options) {
  ApiKeys loaded = load_api_keys(
      options.keys, options.keys_file.empty() ? std::nullopt : std::optional(options.keys_file));
  if (loaded.warning) fmt::print(stderr, "penstock: {}\n", *loaded.warning);
  for (ApiKey& key : loaded.keys) {
    if (key.requests_per_minute == 0) key.requests_per_minute = options.requests_per_minute;
    if (key.tokens_per_minute == 0) key.tokens_per_minute = options.tokens_per_minute;
  }
  return std::move(loaded.keys);
}

// A pack waits until a key has room for all of it, and what it leaves free in the minute before is
// lost: so packs are small beside the limit, but large enough that requests do not run out first.
std::uint64_t pack_tokens_max(const std::vector<ApiKey>& keys, std::uint64_t configured) {
  constexpr double packs_a_minute = 256;
  double tokens = static_cast<double>(configured);
  for (const ApiKey& key : keys) {
    if (key.tokens_per_minute == 0) continue;
    double enough = key.tokens_per_minute / packs_a_minute;
    if (key.requests_per_minute > 0)
      enough = std::max(enough, 2 * key.tokens_per_minute / key.requests_per_minute);
    tokens = std::min(tokens, enough);
  }
  return static_cast<std::uint64_t>(std::max(tokens, 1.0));
}

// What a provider says is left of an unknown limit does not say how many share it.
void require_limits(const std::vector<KeyQuota>& keys) {
  for (const KeyQuota& key : keys) {
    if (key.requests_per_minute > 0 && key.tokens_per_minute > 0) continue;
    throw FatalError("a fleet shares the quota of key " + key.name +
                     ": give both its limits, with --key NAME:RPM:TPM, or "
                     "--requests-per-minute and --tokens-per-minute");
  }
}

}  // namespace

// An embedder that remembers what went wrong last.
class EmbeddingService::Watched final : public Embedder {
 public:
  explicit Watched(OpenAiOptions options) : embedder_(std::move(options)) {}

  std::string model() const override { return embedder_.model(); }
  std::size_t dimensions() const override { return embedder_.dimensions(); }
  PackLimits limits() const override { return embedder_.limits(); }

  void embed(std::vector<std::string_view> inputs, std::size_t key, Done done) override {
    embedder_.embed(std::move(inputs), key, [this, done = std::move(done)](Embedding answer) {
      if (answer.receipt.answer != Answer::embedded) failure_.hear(answer.message);
      done(std::move(answer));
    });
  }

  std::string last_failure() const { return failure_.get(); }

 private:
  LastFailure failure_;
  OpenAiEmbedder embedder_;  // last: its threads use the rest
};

EmbeddingService::~EmbeddingService() = default;

EmbeddingService::EmbeddingService(const EmbedderOptions& options,
                                   std::optional<std::uint64_t> tokens_max,
                                   const OpenSharedBudget& open_shared_budget) {
  if (options.url == "lexical:") {
    embedder_ = std::make_unique<LexicalEmbedder>();
    quota_ = std::make_unique<NoQuota>();
    if (options.tokens_per_minute > 0) tokens_per_minute_ = options.tokens_per_minute;
  } else if (options.url.starts_with(openai_scheme)) {
    connect(options, tokens_max, open_shared_budget);
  } else {
    throw FatalError("--embedder " + options.url +
                     ": not a known URL; write lexical: or openai:BASE-URL");
  }
}

void EmbeddingService::connect(const EmbedderOptions& options,
                               std::optional<std::uint64_t> tokens_max,
                               const OpenSharedBudget& open_shared_budget) {
  OpenAiOptions service;
  service.base_url = options.url.substr(openai_scheme.size());
  service.model = options.model;
  service.dimensions = options.dimensions;
  service.send_dimensions = options.dimensions > 0;
  service.keys = keys_of(options);
  service.limits.inputs_max = options.request_inputs;
  service.limits.tokens_max = pack_tokens_max(service.keys, options.request_tokens);
  service.limits.estimated_tokens_max = options.request_tokens;
  service.http.total_timeout = std::chrono::seconds(options.request_timeout_s);
  service.http.stall_timeout = std::min(service.http.stall_timeout, service.http.total_timeout);
  service.http.connections_max = options.requests_in_flight;

  std::vector<KeyQuota> limits;
  double tokens_per_minute = 0;
  bool all_known = true;
  for (const ApiKey& key : service.keys) {
    key_names_.push_back(key.name);
    limits.push_back({key.name, static_cast<std::uint64_t>(std::llround(key.requests_per_minute)),
                      static_cast<std::uint64_t>(std::llround(key.tokens_per_minute))});
    tokens_per_minute += key.tokens_per_minute;
    all_known = all_known && key.tokens_per_minute > 0;
  }
  if (all_known) tokens_per_minute_ = tokens_per_minute;

  ThrottleOptions throttle;
  throttle.endpoint = service.base_url.substr(0, service.base_url.find('?'));
  throttle.requests_in_flight_max = options.requests_in_flight;
  throttle.interactive_share = options.interactive_share;
  throttle.tokens_max = tokens_max;
  throttle.seed = std::random_device()();

  // Refuses addresses that are none, and those with a password, before anybody is told.
  auto watched = std::make_unique<Watched>(std::move(service));
  watched_ = watched.get();
  embedder_ = std::move(watched);
  if (open_shared_budget) {
    require_limits(limits);
    shared_budget_ = open_shared_budget({throttle.endpoint, limits, throttle.interactive_share});
  }
  const auto probe = [this](std::size_t key, std::function<void(const Receipt&)> done) {
    embedder_->embed({"penstock"}, key,
                     [done = std::move(done)](const Embedding& answer) { done(answer.receipt); });
  };
  auto quota = std::make_unique<Throttle>(limits, throttle, probe, shared_budget_.get());
  throttle_ = quota.get();
  quota_ = std::move(quota);
}

std::optional<ThrottleState> EmbeddingService::throttle_state() const {
  if (throttle_ == nullptr) return std::nullopt;
  return throttle_->state();
}

std::string EmbeddingService::last_failure() const {
  return watched_ == nullptr ? std::string() : watched_->last_failure();
}

std::vector<float> EmbeddingService::embed(const std::string& text) {
  const std::uint64_t estimated_tokens = text.size() / 4 + 1;
  std::string message;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    std::promise<Result<Grant>> granted;
    quota_->reserve(estimated_tokens, Lane::interactive,
                    [&](Result<Grant> grant) { granted.set_value(std::move(grant)); });
    const Result<Grant> grant = granted.get_future().get();
    // What the embedder said before explains more than that nothing can be sent any more.
    if (!grant) throw FatalError(message.empty() ? grant.error().message : message);

    std::promise<Embedding> answered;
    embedder_->embed({text}, grant->key,
                     [&](Embedding answer) { answered.set_value(std::move(answer)); });
    Embedding answer = answered.get_future().get();
    quota_->settle(*grant, answer.receipt);
    if (answer.receipt.answer == Answer::embedded) return std::move(answer.vectors);
    message = answer.message;
    if (answer.receipt.answer == Answer::refused_input ||
        answer.receipt.answer == Answer::misconfigured)
      break;
  }
  throw FatalError(message);
}

}  // namespace penstock
