// Where a document's time went: for each stage how long it waited for its turn and how long it was
// worked on. Waits and work add up to the time from claim to finish, except that work of several
// processes on one document counts once for each.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "engine/core/clock.h"

namespace penstock {

enum class Stage { admit, fetch, extract, chunk, pack, throttle, embed, store };

inline constexpr std::array<Stage, 8> all_stages = {Stage::admit, Stage::fetch, Stage::extract,
                                                    Stage::chunk, Stage::pack,  Stage::throttle,
                                                    Stage::embed, Stage::store};

constexpr std::string_view name_of(Stage stage) {
  constexpr std::array<std::string_view, 8> names = {"admit", "fetch",    "extract", "chunk",
                                                     "pack",  "throttle", "embed",   "store"};
  return names[static_cast<std::size_t>(stage)];
}

struct StageTime {
  Duration waited{0};
  Duration busy{0};
};

class StageTimes {
 public:
  const StageTime& of(Stage stage) const { return times_[static_cast<std::size_t>(stage)]; }

  // A document is in one stage at a time, so its stages follow each other on one time line.
  void claimed(TimePoint now) { last_ = now; }
  void started(Stage stage, TimePoint now) {
    slot(stage).waited += now - last_;
    last_ = now;
  }
  void finished(Stage stage, TimePoint now) {
    slot(stage).busy += now - last_;
    last_ = now;
  }
  // For a stage that measures its own work: what is left of the time was waiting.
  void finished_after(Stage stage, TimePoint now, Duration busy) {
    const Duration elapsed = now - last_;
    slot(stage).busy += busy;
    slot(stage).waited += elapsed > busy ? elapsed - busy : Duration{0};
    last_ = now;
  }

  StageTimes& operator+=(const StageTimes& other) {
    for (const Stage stage : all_stages) {
      slot(stage).waited += other.of(stage).waited;
      slot(stage).busy += other.of(stage).busy;
    }
    return *this;
  }

 private:
  StageTime& slot(Stage stage) { return times_[static_cast<std::size_t>(stage)]; }

  std::array<StageTime, all_stages.size()> times_{};
  TimePoint last_{};
};

}  // namespace penstock
