// write_gate_reports FOLDER: gate.html and gate.txt of gates that nobody ran, to look at.
#include <filesystem>
#include <fstream>

#include "reports/gate/decide.h"
#include "reports/gate/writers.h"
#include "test/support/gate_records.h"

int main(int, char** argv) {
  using namespace penstock;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name, const GateReport& report) {
    std::ofstream(folder / (name + ".html"), std::ios::binary) << html_report(report);
    std::ofstream(folder / (name + ".txt"), std::ios::binary) << terminal_report(report, true);
  };
  write("pass", decide(passing_gate()));
  write("slower", with_history(slower_gate()));
  write("lossy", decide(lossy_gate()));
  write("accepted", decide(accepted_gate()));
  write("moved", decide(moved_gate()));
  write("inconclusive", decide(inconclusive_gate()));
  write("same-build", with_history(same_build_gate()));
  write("micro", decide(micro_gate()));
  write("hostile", with_history(hostile_gate()));
  write("nothing", decide(GateRecord{}));
}
