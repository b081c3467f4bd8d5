#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/gate_progress.h"
#include "cli/interrupt.h"
#include "cli/report_files.h"
#include "engine/core/error.h"
#include "loadgen/gate/gate_run.h"
#include "reports/gate/decide.h"
#include "reports/gate/history.h"
#include "reports/gate/writers.h"

namespace penstock {
namespace {

std::string command_of(const GateOptions& options) {
  std::string command = "penstock gate";
  const auto add = [&](const std::string& words) { command += ' ' + words; };
  if (options.micro.empty())
    add(fmt::format("--baseline {} --candidate {}", shell_word(options.baseline),
                    shell_word(options.candidate)));
  else
    add(fmt::format("--micro {} {}", shell_word(options.micro[0]), shell_word(options.micro[1])));
  if (!options.profile.empty()) add(shell_word(options.profile));
  add(fmt::format("--seed {} --pairs-max {}", options.seed, options.pairs_max));
  if (options.accept_content) add("--accept-content");
  return command;
}

GatePlan plan_of(const GateOptions& options) {
  GatePlan plan;
  plan.job = options.profile.empty() ? default_job() : read_job(options.profile);
  plan.baseline = options.micro.empty() ? options.baseline : options.micro[0];
  plan.candidate = options.micro.empty() ? options.candidate : options.micro[1];
  plan.seed = options.seed;
  plan.pairs_max = options.pairs_max;
  plan.accepts_content = options.accept_content;
  plan.command = command_of(options);
  plan.version = PENSTOCK_VERSION;
  return plan;
}

// Gates of before, to which this one is added at its end.
class History {
 public:
  // Throws FatalError when it cannot be written: before a gate takes its time.
  explicit History(const std::string& path) : path_(path), file_(path, std::ios::app) {
    if (!file_) throw FatalError(path_ + " cannot be written");
  }

  // What it says of this gate and those before.
  GateHistory look_back_from(const GateReport& report) const {
    std::stringstream lines;
    lines << std::ifstream(path_).rdbuf();
    lines.clear();  // an empty file is no failure
    lines << history_line(report);
    return look_back(read_history(lines));
  }
  void add(const GateReport& report) {
    file_ << history_line(report);
    file_.close();
    if (!file_) throw FatalError(path_ + " cannot be written; is its disk full?");
  }

 private:
  const std::string path_;
  std::ofstream file_;
};

void write_reports(const GateReport& report, const std::string& folder) {
  write_report(folder, "gate.json", json_report(report));
  write_report(folder, "gate.html", html_report(report));
  write_report(folder, "gate.xml", junit_report(report));
  write_report(folder, "gate.md", markdown_report(report));
}

int exit_code_of(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::pass:
      return exit_done;
    case GateVerdict::regression:
      return exit_regression;
    case GateVerdict::invalid:
      return exit_invalid;
    case GateVerdict::inconclusive:
      break;
  }
  return exit_inconclusive;
}

}  // namespace

int run_gate(const GateOptions& options) {
  Interrupt interrupt;
  if (!options.report.empty()) make_report_folder(options.report);
  std::optional<History> history;
  if (!options.history.empty()) history.emplace(options.history);
  GateProgress progress;
  GateRun run(plan_of(options), is_decided,
              [&](const std::string& doing) { progress.show(doing); });
  interrupt.on_first([&] { run.interrupt(); });
  GateRecord record = options.micro.empty() ? run.run() : run.run_micro();
  interrupt.on_first([] {});
  progress.clear();

  GateReport report = decide(std::move(record));
  if (history) report.history = history->look_back_from(report);
  // Before what may fail.
  fmt::print("{}", options.json ? json_report(report)
                                : terminal_report(report, isatty(STDOUT_FILENO) == 1));
  std::fflush(stdout);
  if (history) history->add(report);
  if (!options.report.empty()) write_reports(report, options.report);
  return exit_code_of(report.verdict);
}

}  // namespace penstock
