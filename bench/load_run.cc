// Loads a server that answers every upload with 202 and an id of its own, by what capacity runs
// send with, for scripts/bench-generator:
//   load_run URL closed CONNECTIONS SECONDS BYTES     each sends its next once it has an answer
//   load_run URL open PER_SECOND SECONDS BYTES        evenly, whatever becomes of them
// Prints a JSON line. Times are from when an upload was due.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.h"
#include "loadgen/driver.h"
#include "loadgen/http_load.h"
#include "loadgen/journal.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds patience{60};

struct Load {
  std::string url;
  bool is_open = false;
  double amount = 0;  // documents a second, or connections
  double seconds = 0;
  std::string body;
};

double in_seconds(Offset time) {
  return std::chrono::duration<double>(time).count();
}

Content content_of(const Load& load) {
  Content content;
  content.media_type = "application/octet-stream";
  content.parts = {{load.body.data(), load.body.size()}};
  content.bytes = load.body.size();
  return content;
}

void drive_open(const Load& load, HttpLoad& destination, Journal& journal) {
  Phase phase;
  phase.per_second = load.amount;
  phase.length = std::chrono::duration<double>(load.seconds);
  Stretch stretch;
  stretch.length = std::chrono::round<Offset>(phase.length);
  const auto count = static_cast<std::uint64_t>(load.amount * load.seconds);
  for (std::uint64_t i = 0; i < count; ++i)
    stretch.due.push_back({std::chrono::round<Offset>(
                               std::chrono::duration<double>(static_cast<double>(i) / load.amount)),
                           0});
  drive({phase}, {stretch}, [&](std::uint64_t, std::uint32_t) { return content_of(load); },
        destination, journal, {});
}

// The driver's clients wait for documents to be done, which this server knows nothing of.
void drive_closed(const Load& load, HttpLoad& destination, Journal& journal) {
  const auto clients = static_cast<std::uint64_t>(load.amount);
  const TimePoint end =
      journal.begin() + std::chrono::round<Offset>(std::chrono::duration<double>(load.seconds));
  const auto has_room = [&](const Journal::Counts& counts) {
    return counts.unanswered() < clients;
  };
  while (journal.wait(end, has_room) && std::chrono::steady_clock::now() < end) {
    Arrival arrival;
    arrival.intended = journal.now();
    Shipment shipment;
    shipment.number = journal.due(std::move(arrival));
    shipment.name = fmt::format("{}.pdf", shipment.number);
    shipment.content = content_of(load);
    destination.send(std::move(shipment));
  }
}

double quantile(const std::vector<double>& sorted, double fraction) {
  const auto rank =
      static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
  return sorted.empty() ? 0 : sorted[std::max<std::size_t>(rank, 1) - 1];
}

void run(const Load& load) {
  Journal journal(std::chrono::steady_clock::now());
  HttpLoad destination({load.url, Secret(), 100'000}, journal);
  load.is_open ? drive_open(load, destination, journal) : drive_closed(load, destination, journal);
  journal.wait(std::chrono::steady_clock::now() + patience,
               [](const Journal::Counts& counts) { return counts.unanswered() == 0; });
  destination.stop();
  std::vector<double> times;
  double last = 0;
  for (const Arrival& arrival : journal.take()) {
    if (!arrival.accepted) throw FatalError("not accepted: " + arrival.message);
    times.push_back(in_seconds(*arrival.answered - arrival.intended));
    last = std::max(last, in_seconds(*arrival.answered));
  }
  std::ranges::sort(times);
  fmt::print("{{\"per_second\":{:.6g},\"p50\":{:.6g},\"p90\":{:.6g},\"p99\":{:.6g}}}\n",
             static_cast<double>(times.size()) / last, quantile(times, 0.5), quantile(times, 0.9),
             quantile(times, 0.99));
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  const std::string_view model = argc == 6 ? argv[2] : "";
  if (model != "open" && model != "closed") {
    fmt::print(stderr, "usage: load_run URL open|closed PER_SECOND|CONNECTIONS SECONDS BYTES\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    penstock::run({argv[1], model == "open", std::strtod(argv[3], nullptr),
                   std::strtod(argv[4], nullptr),
                   std::string(std::strtoull(argv[5], nullptr, 10), 'x')});
  } catch (const std::exception& error) {
    fmt::print(stderr, "load_run: {}\n", error.what());
    return 1;
  }
}
