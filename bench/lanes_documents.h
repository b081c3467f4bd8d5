// Documents for lanes_run: generated texts, of which no chunk is another's, so that every one has
// to be embedded. The same seed, the same documents at the same times.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/clock.h"
#include "engine/io/blob_store.h"
#include "engine/io/work_queue.h"

namespace penstock {

// The text of the document of that number, of about so many tokens.
std::string generated_text(std::uint64_t number, std::size_t tokens);

// Locations are NUMBER:TOKENS.
class GeneratedBlobs final : public BlobStore {
 public:
  Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) override;
  Result<void> write(const std::string&, std::string_view) override { return {}; }
  Result<std::unique_ptr<BlobWriter>> begin(const std::string&) override {
    return permanent_error("nothing is written here");
  }
  Result<void> remove(const std::string&) override { return {}; }
};

// As many documents as are asked for, until it is closed; 11,000 tokens on average, some of them
// ten times that.
class EndlessDocuments final : public WorkQueue {
 public:
  explicit EndlessDocuments(std::uint64_t seed) : seed_(seed) {}

  std::optional<Claim> claim() override;
  void acknowledge(const Claim&, Outcome, const std::string&) override {}
  void give_back(const Claim&) override {}
  void close() override;

 private:
  const std::uint64_t seed_;
  std::uint64_t next_ = 0;  // of claim() only
  std::mutex mutex_;
  bool closed_ = false;  // guarded by mutex_
};

// Documents of one to three chunks of 512 tokens at the times of a Poisson process, which does not
// wait for anybody: if claim() is called late, the arrival is when it should have been.
class ArrivingDocuments final : public WorkQueue {
 public:
  // The first one arrives some time after `begin`, and none after `begin` + `span`.
  ArrivingDocuments(TimePoint begin, Duration span, double per_second, std::uint64_t seed);

  std::size_t size() const { return arrivals_.size(); }
  // Absent if the document is not from here. Any thread.
  std::optional<TimePoint> arrival_of(const Claim& claim) const;

  std::optional<Claim> claim() override;
  void acknowledge(const Claim&, Outcome, const std::string&) override {}
  void give_back(const Claim&) override {}
  void close() override;

 private:
  struct Arrival {
    TimePoint at;
    Claim claim;
  };

  // Constant after construction.
  std::vector<Arrival> arrivals_;
  std::map<std::string, TimePoint> times_;  // by key

  std::size_t next_ = 0;  // of claim() only
  std::mutex mutex_;
  std::condition_variable closing_;
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace penstock
