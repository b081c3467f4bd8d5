// write_html_reports FOLDER: report.html of runs that nobody made, to look at and for the browser's
// tests.
#include <filesystem>
#include <fstream>

#include "reports/html/html_report.h"
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
}
