// The documents that the ledger holds as pending, as work: what `retry` runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/ledger.h"
#include "engine/io/work_queue.h"

namespace penstock {

class PendingQueue final : public WorkQueue {
 public:
  // How a location looks now; absent if that cannot be told without reading it.
  using Inspect = std::function<std::optional<SourceStamp>(const std::string& location)>;

  // Takes the pending documents as of now; throws FatalError when the ledger cannot be read.
  PendingQueue(Ledger& ledger, Inspect inspect);

  std::size_t size() const { return claims_.size(); }
  std::optional<Claim> claim() override;
  void acknowledge(const Claim&, Outcome, const std::string&) override {}
  void give_back(const Claim&) override {}
  void close() override { closed_ = true; }

 private:
  const Inspect inspect_;
  std::vector<Claim> claims_;
  std::size_t next_ = 0;
  std::atomic<bool> closed_{false};
};

}  // namespace penstock
