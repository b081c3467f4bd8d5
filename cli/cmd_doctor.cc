#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/backend_url.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fleet.h"
#include "cli/json.h"
#include "cli/wiring.h"
#include "reports/format.h"

namespace penstock {
namespace {

// What a check found; what is wrong is thrown as FatalError, and the words say what to do.
using Check = std::function<std::string()>;

std::string check_extraction() {
  ExtractorPoolOptions options;
  options.children = 1;
  const ExtractorPool pool(options);
  const ExtractorStatus& status = pool.status();
  std::string found = extractor_fingerprint(options.kind) + ", sandboxed by ";
  found += status.seccomp ? "seccomp" : "no seccomp (a sanitizer build)";
  found += status.landlock_abi > 0 ? fmt::format(" and Landlock ABI {}", status.landlock_abi)
                                   : std::string("; the kernel has no Landlock");
  return found;
}

std::string check_tokenizers() {
  // The tables are part of the program; this tells a damaged binary from a good one.
  if (Tokenizer(Encoding::cl100k_base).count("hello world") != 2 ||
      Tokenizer(Encoding::o200k_base).count("hello world") != 2)
    throw FatalError("the token tables are damaged: install penstock anew");
  return "cl100k_base and o200k_base";
}

std::string check_store(const StoreOptions& options) {
  if (!store_exists(options)) {
    for (const std::string& path : store_paths(options)) {
      const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
      if (access(folder.c_str(), W_OK | X_OK) != 0)
        throw FatalError(folder.string() + " cannot be written; choose another --store");
    }
    return name_of(options) + " does not exist yet; penstock backfill makes it";
  }
  const Store store = open_store_for_reading(options);
  const Result<LedgerTotals> totals = store.ledger->totals();
  if (!totals) throw FatalError(totals.error().message);
  std::uint64_t documents = 0;
  for (const auto& [outcome, count] : totals->documents) documents += count;
  std::uint64_t bytes = 0;
  for (const std::string& path : store_paths(options)) bytes += std::filesystem::file_size(path);
  return fmt::format("{}: {}{}", name_of(options), counted(documents, "document"),
                     bytes > 0 ? ", " + human_bytes(bytes) : std::string());
}

std::string check_disk(const std::string& store) {
  const std::filesystem::path folder = std::filesystem::absolute(store).parent_path();
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0)
    throw FatalError(folder.string() + " does not exist; make it, or choose another --store");
  const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  constexpr std::uint64_t too_little = 100'000'000;
  if (free < too_little)
    throw FatalError(human_bytes(free) + " free on the store's disk: free space before a backfill");
  return human_bytes(free) + " free on the store's disk";
}

std::string check_queue(const FleetOptions& options) {
  const std::unique_ptr<Broker> broker = open_broker(options, {});
  const Result<BrokerState> state = broker->state();
  if (!state) throw FatalError(state.error().message);
  const Result<std::vector<WorkerReport>> workers = broker->workers();
  if (!workers) throw FatalError(workers.error().message);
  return fmt::format("{}: {} waiting, {}", without_password(options.queue_url),
                     with_commas(state->interactive.waiting + state->bulk.waiting),
                     counted(workers->size(), "worker"));
}

std::string check_machine() {
  return fmt::format("{}, {} of memory", counted(std::thread::hardware_concurrency(), "core"),
                     human_bytes(static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                                 static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))));
}

std::string check_embedder(const EmbedderOptions& options) {
  if (options.url == "lexical:") return "lexical: is local; it finds words, not meanings";
  EmbeddingService service(options);
  const TimePoint asked = std::chrono::steady_clock::now();
  static_cast<void>(service.embed("penstock"));
  const Duration took = std::chrono::steady_clock::now() - asked;
  return fmt::format("{} answers in {}, with {} of {}", options.url,
                     human_time(std::chrono::duration<double>(took)), service.embedder().model(),
                     counted(service.key_names().size(), "key"));
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
  bool sound = true;
  const auto report = [&](const std::string& name, const Check& check) {
    bool good = true;
    std::string words;
    try {
      words = check();
    } catch (const FatalError& error) {
      good = false;
      sound = false;
      words = error.what();
    }
    if (options.json) {
      print_json_line({{"check", name}, {"ok", good}, {"detail", words}});
    } else {
      fmt::print("{:<4} {:<12} {}\n", good ? "ok" : "BAD", name, words);
    }
  };
  report("version", [] { return std::string("penstock " PENSTOCK_VERSION); });
  report("machine", check_machine);
  report("extraction", check_extraction);
  report("tokenizers", check_tokenizers);
  report("store", [&] { return check_store(options.store); });
  for (const std::string& path : store_paths(options.store))
    report("disk", [&] { return check_disk(path); });
  if (!options.fleet.queue_url.empty()) report("queue", [&] { return check_queue(options.fleet); });
  report("embedder", [&] { return check_embedder(options.embedder); });
  return sound ? exit_done : exit_fatal;
}

}  // namespace penstock
