#include "loadgen/emulate/break_off.h"

#include <cassert>
#include <chrono>
#include <utility>

namespace penstock {

void break_off(FaultKind kind, const Responder& responder, HttpHeaders headers, std::string body,
               int status) {
  constexpr std::chrono::minutes silence_max{2};
  const auto send_half = [&] {
    responder.begin(status, std::move(headers), body.size());
    body.resize(body.size() / 2);
    responder.write(std::move(body));
  };
  switch (kind) {
    case FaultKind::reset:
      return responder.abort();
    case FaultKind::truncated:
      send_half();
      return responder.finish();
    case FaultKind::stall:
      send_half();
      break;
    default:
      assert(kind == FaultKind::hang);
      break;
  }
  responder.after(silence_max, [responder] { responder.abort(); });
}

}  // namespace penstock
