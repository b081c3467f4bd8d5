// Anything as what a worker, of this version or another, said of itself in the queue.
#include <cstdint>
#include <string>

#include "engine/io/worker_report.h"
#include "test/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  const WorkerReport report = parse_worker_report({reinterpret_cast<const char*>(data), size});
  const std::string text = to_text(report);
  REQUIRE(to_text(parse_worker_report(text)) == text);
  return 0;
}
