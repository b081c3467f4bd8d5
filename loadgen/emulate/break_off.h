// Answers that break off, or never begin.
#pragma once

#include <string>

#include "engine/http/http_server.h"
#include "loadgen/emulate/fault_plan.h"

namespace penstock {

// `kind` is reset, stall, hang or truncated; headers, body and status are those of the whole
// answer. A connection on which nothing comes is reset after two minutes, if its client has not
// given up before.
void break_off(FaultKind kind, const Responder& responder, HttpHeaders headers, std::string body,
               int status = 200);

}  // namespace penstock
