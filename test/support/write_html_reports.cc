// write_html_reports FOLDER: report.html of runs that nobody made, and gate.html of gates, to look
// at and for the browser's tests.
#include <filesystem>
#include <fstream>

#include "reports/gate/decide.h"
#include "reports/gate/writers.h"
#include "reports/html/html_report.h"
#include "test/support/gate_records.h"
#include "test/support/run_records.h"

int main(int, char** argv) {
  using namespace penstock;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, RunRecord run) {
    std::ofstream(folder / (std::string(name) + ".html"), std::ios::binary)
        << html_report(conclude(std::move(run), mission_targets()));
  };
  write("pass", passing_run());
  write("fail", failing_run());
  write("invalid", invalid_run());
  write("inconclusive", inconclusive_run());
  write("sweep", sweep_run());
  write("large", large_run());
  write("hostile", hostile_run());
  write("nothing", RunRecord{});
  const auto write_gate = [&](const char* name, const GateReport& report) {
    std::ofstream(folder / (std::string("gate-") + name + ".html"), std::ios::binary)
        << html_report(report);
  };
  write_gate("pass", decide(passing_gate()));
  write_gate("slower", with_history(slower_gate()));
  write_gate("lossy", decide(lossy_gate()));
  write_gate("accepted", decide(accepted_gate()));
  write_gate("moved", decide(moved_gate()));
  write_gate("inconclusive", decide(inconclusive_gate()));
  write_gate("same-build", with_history(same_build_gate()));
  write_gate("micro", decide(micro_gate()));
  write_gate("hostile", with_history(hostile_gate()));
  write_gate("nothing", decide(GateRecord{}));
}
