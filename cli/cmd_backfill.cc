#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/run.h"
#include "cli/sources.h"
#include "engine/pipeline/store_writer.h"
#include "reports/format.h"

namespace penstock {
namespace {

std::unique_ptr<Sources> open_sources(const BackfillOptions& options) {
  return std::make_unique<Sources>(options.sources, options.engine.objects,
                                   files_of_store(options.store));
}

// Counts the sources in the background, so that progress can say how much is left. A list on
// standard input can be read once only, so nothing is counted then.
class SourceCounter {
 public:
  SourceCounter(const BackfillOptions& options, Expected& expected) {
    for (const std::string& source : options.sources.sources)
      if (source == "-") return;
    sources_ = open_sources(options);
    thread_ = std::thread([this, &expected] {
      while (const std::optional<Claim> claim = sources_->claim()) {
        ++expected.documents;
        expected.bytes += claim->stamp.bytes;
      }
      expected.complete = sources_->ended();
    });
  }
  ~SourceCounter() {
    if (!sources_) return;
    sources_->close();
    thread_.join();
  }
  SourceCounter(const SourceCounter&) = delete;
  SourceCounter& operator=(const SourceCounter&) = delete;

 private:
  std::unique_ptr<Sources> sources_;
  std::thread thread_;
};

// Removes from the store what lay below the walked folders and is no file any more. What --include
// and --exclude leave out is still a file, so it stays. A folder without any document left is not
// believed: a disk that is not mounted looks like that, and to embed it all again costs.
std::uint64_t prune(Engine& engine, Store& store, const std::vector<std::string>& folders,
                    const std::unordered_set<std::string>& seen) {
  std::uint64_t pruned = 0;
  for (const std::string& folder : folders) {
    std::vector<DocumentRecord> vanished;
    bool something_left = false;
    const auto listed = store.ledger->for_each([&](const DocumentRecord& record) {
      const Claim& claim = record.claim;
      if (!claim.key.starts_with(folder)) return true;
      if (seen.contains(claim.key) || engine.stamp_of(claim.location)) {
        something_left = true;
      } else {
        vanished.push_back(record);
      }
      return true;
    });
    if (!listed) throw FatalError(listed.error().message);
    if (!something_left && !vanished.empty()) {
      fmt::print(stderr,
                 "penstock: {}: holds none of its {} any more, as a disk that is not mounted; not "
                 "pruned. If they are gone for good, backfill the folder above it with --prune\n",
                 printable(folder), counted(vanished.size(), "document"));
      continue;
    }
    pruned += vanished.size();
    if (const auto removed = remove_documents(*store.ledger, *store.vectors, std::move(vanished));
        !removed)
      throw FatalError(removed.error().message);
  }
  return pruned;
}

// What would have no effect was meant for another embedder, which is not the one that is used.
void refuse_limits(const EngineOptions& options) {
  const EmbedderOptions& embedder = options.embedder;
  if (embedder.requests_per_minute > 0 || embedder.tokens_per_minute > 0 ||
      !embedder.keys.empty() || options.tokens_max || options.cost_max || options.price_per_million)
    throw FatalError("--embedder " + embedder.url +
                     " costs nothing and has no quota; limits, budgets and prices are for openai: "
                     "and for --dry-run");
}

void print_estimate(const RunSummary& summary, Engine& engine, bool json) {
  const RunCounts& counts = summary.counts;
  const std::uint64_t tokens = counts.tokens - counts.cached_tokens;
  std::optional<double> cost;
  if (summary.price_per_million)
    cost = static_cast<double>(tokens) / 1e6 * *summary.price_per_million;
  const std::optional<double> tokens_per_minute = engine.service().tokens_per_minute();
  const double minutes = static_cast<double>(tokens) / tokens_per_minute.value_or(1);
  if (json) {
    Json estimate = {{"event", "estimate"},           {"documents", counts.seen - counts.unchanged},
                     {"unchanged", counts.unchanged}, {"duplicates", counts.duplicates},
                     {"pages", counts.pages},         {"tokens", tokens}};
    if (cost) estimate["cost"] = *cost;
    if (tokens_per_minute) estimate["embedding_minutes"] = minutes;
    print_json_line(estimate);
    return;
  }
  fmt::print(
      "Dry run, nothing is stored. A backfill would embed {}{} tokens of {}; {} repeat another's "
      "content.\n",
      // What several documents share is embedded once.
      engine.service().is_remote() ? "at most " : "", with_commas(tokens),
      counted(counts.made, "document"), with_commas(counts.duplicates));
  if (cost)
    fmt::print("  Cost at {} a million tokens: {}\n", *summary.price_per_million,
               human_cost(*cost));
  if (tokens_per_minute)
    fmt::print("  Embedding takes {} at {} tokens a minute\n",
               human_time(std::chrono::duration<double>(minutes * 60)),
               with_commas(static_cast<std::uint64_t>(*tokens_per_minute)));
  fmt::print("\n");
}

// The store that a dry run compares with: the user's, or an empty one in a folder that goes away.
class DryRunStore {
 public:
  DryRunStore(const StoreOptions& options, Engine& engine) {
    if (store_exists(options)) {
      store_ = open_store_for_reading(options, engine);
      return;
    }
    std::string pattern = std::filesystem::temp_directory_path() / "penstock-dry-run-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr)
      throw FatalError("cannot make a folder in " +
                       std::filesystem::temp_directory_path().string());
    folder_ = pattern;
    store_ = open_store_for_writing({folder_ + "/store.db", {}, {}}, engine);
  }
  ~DryRunStore() {
    store_ = {};
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  Store& get() { return store_; }

 private:
  std::string folder_;
  Store store_;
};

}  // namespace

int run_backfill(const BackfillOptions& options) {
  Interrupt interrupt;
  const std::unique_ptr<Sources> sources = open_sources(options);
  Engine engine(options.engine);
  if (!options.dry_run && !engine.service().is_remote()) refuse_limits(options.engine);
  Expected expected;
  PipelineOptions pipeline = engine.pipeline_options();

  RunSummary summary;
  if (options.dry_run) {
    pipeline.measure_only = true;
    DryRunStore store(options.store, engine);
    const SourceCounter source_counter(options, expected);
    summary =
        run_pipeline(engine, store.get(), *sources, pipeline, expected, interrupt, options.json);
  } else {
    Store store = open_store_for_writing(options.store, engine);
    const SourceCounter source_counter(options, expected);
    std::unordered_set<std::string> seen;
    Pipeline::Observer remember;
    if (options.prune)
      remember = [&seen](const FinishedDocument& document) { seen.insert(document.claim.key); };
    summary = run_pipeline(engine, store, *sources, pipeline, expected, interrupt, options.json,
                           remember);
    // Only what a complete walk did not meet has vanished.
    if (options.prune && sources->ended())
      summary.pruned = prune(engine, store, sources->folders(), seen);
  }

  if (options.dry_run) print_estimate(summary, engine, options.json);
  print_summary(summary, flags_of(options.store), options.json);
  return summary.exit_code();
}

}  // namespace penstock
