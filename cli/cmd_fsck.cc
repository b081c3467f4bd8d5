#include <fmt/format.h>

#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/json.h"
#include "cli/run.h"
#include "engine/pipeline/fsck.h"
#include "reports/format.h"

namespace penstock {
namespace {

void print_report(const FsckReport& report, bool json) {
  if (json) {
    print_json_line({{"event", "fsck"},
                     {"documents", report.documents},
                     {"versions", report.versions},
                     {"incomplete", report.incomplete},
                     {"stale", report.stale},
                     {"interrupted", report.interrupted},
                     {"repaired", report.repaired},
                     {"sound", report.sound()}});
    return;
  }
  fmt::print("{}, {} stored: ", counted(report.documents, "document"),
             counted(report.versions, "version"));
  if (report.incomplete + report.stale == 0) {
    fmt::print("everything the ledger says is there, and nothing else\n");
  } else {
    fmt::print("{} incomplete, {} stale, {} mended\n", with_commas(report.incomplete),
               with_commas(report.stale), with_commas(report.repaired));
  }
  if (report.interrupted > 0)
    fmt::print("{} under way when a run was stopped; the next backfill ends them\n",
               counted(report.interrupted, "document"));
}

Result<FsckReport> check(Store& store, const FsckOptions& options) {
  return fsck(*store.ledger, *store.vectors, options.repair,
              [&](const std::string& key, const std::string& what) {
                if (options.json) {
                  print_json_line({{"event", "finding"}, {"key", key}, {"what", what}});
                } else {
                  fmt::print("{}: {}\n", printable(key), what);
                }
              });
}

}  // namespace

int run_fsck(const FsckOptions& options) {
  check_store_files(options.store);
  if (!options.repair) {
    Store store = open_store_for_reading(options.store);
    const Result<FsckReport> report = check(store, options);
    if (!report) throw FatalError(report.error().message);
    print_report(*report, options.json);
    return report->sound() ? exit_done : exit_some_failed;
  }

  Interrupt interrupt;
  Engine engine(options.engine);
  Store store = open_store_for_writing(options.store, engine);
  const Result<FsckReport> report = check(store, options);
  if (!report) throw FatalError(report.error().message);
  print_report(*report, options.json);
  if (report->incomplete == 0) return exit_done;
  return process_pending(engine, store, options.store, interrupt, options.json);
}

}  // namespace penstock
