// What all events must do (engine/io/events.h).
#pragma once

#include "engine/io/events.h"

namespace penstock {

// `publisher` and `watcher` may be the same, or two that share a queue.
void run_events_contract(Events& publisher, Events& watcher);

}  // namespace penstock
