#include "engine/io/worker_report.h"

#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("worker report: its text holds every field") {
  WorkerReport report;
  report.worker = "ada-7-01fe";
  report.budget = "0123456789abcdef";
  report.documents_in_flight = 1;
  report.done = 2;
  report.failed = 3;
  report.pages = 4;
  report.tokens = 18'446'744'073'709'551'615u;
  report.vectors = 5;
  report.rates = {0.5, 0.25, 1'234.5, 1e9};
  report.cpu_cores = 1.5;
  report.memory_bytes = 6;
  report.up = std::chrono::seconds(7);
  report.draining = true;
  const std::string text =
      "worker ada-7-01fe\n"
      "budget 0123456789abcdef\n"
      "documents_in_flight 1\n"
      "done 2\n"
      "failed 3\n"
      "pages 4\n"
      "tokens 18446744073709551615\n"
      "vectors 5\n"
      "documents_per_second 0.500000\n"
      "failed_per_second 0.250000\n"
      "pages_per_second 1234.500000\n"
      "tokens_per_second 1000000000.000000\n"
      "cpu_cores 1.500000\n"
      "memory_bytes 6\n"
      "up_seconds 7\n"
      "draining 1\n";
  CHECK(to_text(report) == text);
  CHECK(to_text(parse_worker_report(text)) == text);
}

TEST_CASE("worker report: that of another version is read as far as it is known") {
  const WorkerReport report = parse_worker_report("worker w\ncolour blue\npages many\n\ndone 2");
  CHECK(report.worker == "w");
  CHECK(report.pages == 0);
  CHECK(report.done == 2);
  CHECK(report.failed == 0);
  CHECK(parse_worker_report("").worker.empty());
}

}  // namespace
}  // namespace penstock
