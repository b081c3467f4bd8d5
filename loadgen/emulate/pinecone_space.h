// One namespace of an emulated index: what was written, in its order, and what of it is visible by
// now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.h"

namespace penstock {

struct PineconeRecord {
  std::vector<float> values;
  float length = 0;      // of values
  std::string metadata;  // a JSON object
};

// {"FIELD": {"$in": [...]}} or $nin, of strings; no field: takes all.
struct PineconeFilter {
  std::string field;
  std::set<std::string> values;
  bool is_in = true;

  bool takes(const std::string& metadata) const;
};

struct PineconeMatch {
  std::string_view id;
  const PineconeRecord* record = nullptr;
  float score = 0;  // cosine
};

// Times never go back. One thread.
class PineconeSpace {
 public:
  struct Write {
    std::vector<std::pair<std::string, PineconeRecord>> upserts;
    std::vector<std::string> deletes;
  };

  // Its number (LSN): 1, 2, 3 ... It is visible at `visible_at`, or when the one before it is.
  std::uint64_t write(Write write, TimePoint visible_at);
  // Shows what is visible by now.
  void advance(TimePoint now);

  // Of the last write that was made, and that is visible.
  std::uint64_t lsn() const { return visible_lsn_ + hidden_.size(); }
  std::uint64_t visible_lsn() const { return visible_lsn_; }

  // The visible ones, in the order of their ids' bytes.
  const std::map<std::string, PineconeRecord>& records() const { return records_; }

  // The nearest of the visible ones that the filter takes, best first; valid until the next call.
  // Equals are in an order that means nothing, as those of an index are.
  std::vector<PineconeMatch> nearest(std::span<const float> vector, std::size_t matches_max,
                                     const PineconeFilter& filter) const;

 private:
  struct Hidden {
    Write write;
    TimePoint visible_at;
  };

  std::map<std::string, PineconeRecord> records_;
  std::deque<Hidden> hidden_;
  std::uint64_t visible_lsn_ = 0;
};

// Its Euclidean length.
float length_of(std::span<const float> vector);

}  // namespace penstock
