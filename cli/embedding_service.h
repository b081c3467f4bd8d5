// What makes vectors, and the quota of its keys: an embedder chosen by URL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "engine/io/embedder.h"
#include "engine/io/quota.h"
#include "engine/io/shared_budget.h"
#include "engine/stages/throttle/throttle.h"

namespace penstock {

class EmbeddingService {
 public:
  // The budget that a fleet shares, on these terms. Throws FatalError.
  using OpenSharedBudget = std::function<std::unique_ptr<SharedBudget>(const BudgetTerms&)>;

  // `tokens_max` bounds what all requests together may cost. With `open_shared_budget` the limits
  // of a remote service's keys, all of which have to be given, are a fleet's. Throws FatalError.
  explicit EmbeddingService(const EmbedderOptions& options,
                            std::optional<std::uint64_t> tokens_max = std::nullopt,
                            const OpenSharedBudget& open_shared_budget = {});
  ~EmbeddingService();

  Embedder& embedder() { return *embedder_; }
  Quota& quota() { return *quota_; }
  // Its vectors cost money or time, and are worth keeping.
  bool is_remote() const { return throttle_ != nullptr; }
  // Absent for a local embedder.
  std::optional<ThrottleState> throttle_state() const;
  // Why the last request that failed did; empty: none has.
  std::string last_failure() const;
  // Of all keys together, as configured; absent where it is not known.
  std::optional<double> tokens_per_minute() const { return tokens_per_minute_; }
  // SharedBudget::name() of the limits that a fleet shares; empty: they are this process's own.
  std::string shared_budget() const {
    return shared_budget_ ? shared_budget_->name() : std::string();
  }
  const std::vector<std::string>& key_names() const { return key_names_; }

  // The vector of one text that somebody waits for. Throws FatalError.
  std::vector<float> embed(const std::string& text);

 private:
  class Watched;

  void connect(const EmbedderOptions& options, std::optional<std::uint64_t> tokens_max,
               const OpenSharedBudget& open_shared_budget);

  std::optional<double> tokens_per_minute_;
  std::vector<std::string> key_names_;
  std::unique_ptr<Embedder> embedder_;
  const Watched* watched_ = nullptr;  // embedder_, if it is remote
  std::unique_ptr<SharedBudget> shared_budget_;
  std::unique_ptr<Quota> quota_;  // after embedder_, which its probes need to the end
  const Throttle* throttle_ = nullptr;
};

}  // namespace penstock
