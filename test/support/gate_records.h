// Gates that nobody ran, one for each verdict and more: the same on every machine.
#pragma once

#include "reports/gate/gate_report.h"

namespace penstock {

GateRecord passing_gate();       // and faster by a tenth in extract
GateRecord slower_gate();        // 6% more work in extract
GateRecord lossy_gate();         // as fast, but text, a chunk and an outcome are lost
GateRecord accepted_gate();      // other text, on purpose
GateRecord moved_gate();         // the machine was not the same for both
GateRecord inconclusive_gate();  // too much noise
GateRecord same_build_gate();
GateRecord micro_gate();    // many figures with long names, and no content
GateRecord hostile_gate();  // whatever a document or a build may say is markup

// Sixty gates of a machine: of the same build twice, and of versions of which one made extract
// dearer. The last is `record`.
GateReport with_history(GateRecord record);

}  // namespace penstock
