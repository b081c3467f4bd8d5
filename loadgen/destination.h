// Where documents go.
#pragma once

#include <cstdint>
#include <string>

#include "engine/core/lane.h"
#include "loadgen/content.h"
#include "loadgen/run_record.h"

namespace penstock {

// Told to a Journal, of each document that was given to a Destination: what became of sending it.
struct Shipment {
  std::uint64_t number = 0;  // the arrival's
  std::string name;          // that the document is sent under
  Lane lane = Lane::interactive;
  Content content;
};

class Destination {
 public:
  struct State {
    std::uint64_t connections = 0;  // open
    std::uint64_t sent_bytes = 0;   // sum since the start
    Offset timer_lag{0};            // the latest that it did something, since it was last asked
    Offset timers_late{0};          // likewise, the sum of all that it did late
  };

  virtual ~Destination() = default;

  // Begins to send it, at once and whatever else is under way, and tells the journal. Does not
  // block. Any thread.
  virtual void send(Shipment shipment) = 0;
  // Any thread.
  virtual State state() = 0;
  // Ends what is under way without another word. Once.
  virtual void stop() = 0;
};

}  // namespace penstock
