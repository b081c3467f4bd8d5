#include "cli/fleet_view.h"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

WorkerReport worker(const std::string& name, double documents, double failed) {
  WorkerReport report;
  report.worker = name;
  report.documents_in_flight = 50;
  report.done = 1'000;
  report.failed = 2;
  report.rates = {documents, failed, 30 * documents, 15'000 * documents};
  report.cpu_cores = 0.98;
  report.memory_bytes = 812'300'000;
  report.up = 3h + 12min + 7s;
  return report;
}

FleetState fleet() {
  FleetState state;
  state.queue.interactive = {3, 12, 0, 420ms};
  state.queue.bulk = {184'201, 388, 17, 1h + 12min + 7s};
  state.queue.dead = 4;
  state.workers = {worker("ada-1234-a1b2", 5.25, 0.01),
                   worker("penstock-worker-7d4b9c5f6d-x2x8k-7-c3d4", 41, 0)};
  state.workers[1].draining = true;
  state.quotas = {
      {{"https://api.openai.com/v1", {{"main", 3'000, 90'000}, {"spare", 500, 30'000}}, 0.1},
       {{3'000, 90'000, 2'411, 89'120, 0s}, {500, 20'000, 120, 3'100, 12s}}}};
  return state;
}

TEST_CASE("fleet view: a terminal of 80 columns shows queue rates quota and workers") {
  CHECK(fleet_text(fleet(), 80) ==
        "  queue             waiting   in work   delayed  oldest\n"
        "  interactive             3        12         0  0.42 s\n"
        "  bulk              184,201       388        17  1:12:07\n"
        "  dead letters            4  status --failed lists them, retry --failed revives\n"
        "\n"
        "  2 workers: 46.2 documents/s, 1,388 pages/s, 693.8 k tokens/s, <0.1% failed\n"
        "  What waits takes 1:06:23 at this rate of the last minute\n"
        "\n"
        "  quota                 requests a minute             tokens a minute\n"
        "  main             2.4 k of 3.0 k     80%     89.1 k of 90.0 k    99%\n"
        "  spare              120 of 500       24%      3.1 k of 20.0 k    16%  paused\n"
        "  of https://api.openai.com/v1; 10% is kept for interactive work\n"
        "\n"
        "  worker             in work  docs/s  pages/s  failed  cores    memory  up\n"
        "  ada-1234-a1b2           50     5.2      158    0.2%   0.98  812.3 MB  3:12:07\n"
        "  penst…x2x8k-7-c3d4      50    41.0    1,230           0.98  812.3 MB  draining\n");
}

TEST_CASE("fleet view: lines fit the terminal and are whole in a pipe") {
  std::istringstream lines(fleet_text(fleet(), 80));
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    // Columns: bytes that begin a character.
    CHECK(std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }) <= 80);
  }
  CHECK(fleet_text(fleet(), std::nullopt).find("penstock-worker-7d4b9c5f6d-x2x8k-7-c3d4") !=
        std::string::npos);
  CHECK(fleet_text(fleet(), 120).find("penstock-worker-7d4b9c5f6d-x2x8k-7-c3d4") !=
        std::string::npos);
}

TEST_CASE("fleet view: a fleet without workers says so") {
  CHECK(fleet_text({}, 80) ==
        "  queue             waiting   in work   delayed  oldest\n"
        "  interactive             0         0         0\n"
        "  bulk                    0         0         0\n"
        "\n"
        "  no worker is alive\n");
}

TEST_CASE("fleet view: machines read everything") {
  FleetState state = fleet();
  state.workers.resize(1);
  state.quotas[0].keys.resize(1);
  CHECK(
      fleet_json(state).dump() ==
      R"({"lanes":{"interactive":{"waiting":3,"leased":12,"delayed":0,"oldest_seconds":0.42},)"
      R"("bulk":{"waiting":184201,"leased":388,"delayed":17,"oldest_seconds":4327.0}},"dead":4,)"
      R"("rates":{"documents_per_second":5.25,"failed_per_second":0.01,"pages_per_second":157.5,)"
      R"("tokens_per_second":78750.0},"workers":[{"worker":"ada-1234-a1b2",)"
      R"("documents_in_flight":50,"done":1000,"failed":2,"pages":0,"tokens":0,"rates":)"
      R"({"documents_per_second":5.25,"failed_per_second":0.01,"pages_per_second":157.5,)"
      R"("tokens_per_second":78750.0},"cpu_cores":0.98,"memory_bytes":812300000,)"
      R"("up_seconds":11527,"draining":false}],"quotas":[{"endpoint":)"
      R"("https://api.openai.com/v1","interactive_share":0.1,"keys":[{"name":"main",)"
      R"("requests_per_minute":3000,"tokens_per_minute":90000,"requests":2411,"tokens":89120,)"
      R"("requests_used":0.8036666666666666,"tokens_used":0.9902222222222222,"paused_s":0.0}]}]})");
}

}  // namespace
}  // namespace penstock
