#include "loadgen/gate/content_run.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "engine/core/error.h"
#include "engine/http/json.h"
#include "loadgen/child.h"
#include "loadgen/corpus.h"
#include "loadgen/gate/backfill_run.h"
#include "loadgen/gate/content.h"
#include "loadgen/json_fields.h"

namespace penstock {
namespace {

constexpr int usage_error = 2;
constexpr std::uint64_t searched_documents = 8;

// Phrases that are of one document each, and words that are of many.
std::vector<std::string> queries_of(const GateJob& job) {
  std::vector<std::string> queries = {"water pressure in the turbine valve",
                                      "the keeper noted the level of the river",
                                      "annual report with tables and figures", "contents"};
  const Corpus corpus(job.kinds, job.seed);
  for (std::uint64_t number = 0; number < searched_documents; ++number)
    if (std::string phrase = corpus.content(number, 0).phrase; !phrase.empty())
      queries.push_back(std::move(phrase));
  return queries;
}

Found search(const Build& build, const std::string& store, const std::string& query,
             const std::string& prefix, const std::string& folder) {
  Child child({build.program, "search", query, "--store", store, "--json", "-n", "10"}, {},
              folder + "/search.log");
  if (child.wait() != 0) throw FatalError(build.program + " search: " + child.output());
  Found found;
  std::istringstream lines(child.output());
  for (std::string line; std::getline(lines, line);) {
    const Json hit = Json::parse(line, nullptr, false);
    if (!real_in(hit, "rank")) continue;
    std::string key = text_in(hit, "key");
    if (key.starts_with(prefix)) key.erase(0, prefix.size());
    found.push_back(fmt::format("{}, pages {}-{}", key, number_in(hit, "page_first"),
                                number_in(hit, "page_last")));
  }
  return found;
}

// What a build makes of the corpus.
struct Made {
  std::optional<std::string> exported;
  std::vector<Found> found;
};

}  // namespace

std::optional<std::string> export_of(const Build& build, const std::string& store,
                                     const std::string& folder, bool documents_only) {
  std::vector<std::string> command = {build.program, "export", "--store", store};
  if (documents_only) command.emplace_back("--documents-only");
  Child child(command, {}, folder + "/export.log");
  const int code = child.wait();
  if (code == usage_error) return std::nullopt;
  if (code != 0) throw FatalError(build.program + " export: " + child.output());
  return child.output();
}

void compare_content_of(const Build& baseline, const Build& candidate, const GateJob& job,
                        const std::string& folder, const std::atomic<bool>& interrupted,
                        GateRecord& record) {
  const std::string corpus = folder + "/content";
  std::filesystem::create_directories(corpus);
  write_content_corpus(job, corpus);
  const std::string prefix = std::filesystem::canonical(corpus).string() + "/";
  const std::vector<std::string> queries = queries_of(job);
  GateJob lexical = job;
  lexical.provider.reset();
  const auto make = [&](const Build& build) -> std::optional<Made> {
    const std::string place = folder + "/made";
    std::filesystem::remove_all(place);
    std::filesystem::create_directories(place);
    const std::optional<BackfillRun> run = run_backfill(build, lexical, corpus, place, interrupted);
    if (!run) return std::nullopt;
    Made made;
    made.exported = export_of(build, run->store, place, false);
    for (const std::string& query : queries)
      if (!interrupted) made.found.push_back(search(build, run->store, query, prefix, place));
    return made;
  };
  const std::optional<Made> theirs = make(baseline);
  if (!theirs) return;
  const std::optional<Made> ours = make(candidate);
  if (!ours || interrupted) return;
  if (theirs->exported && ours->exported)
    record.content =
        compare_content(read_export(*theirs->exported, prefix),
                        read_export(*ours->exported, prefix), theirs->found, ours->found);
  else
    record.missing.push_back(fmt::format("content: {} has no `penstock export`",
                                         theirs->exported ? "the candidate" : "the baseline"));
}

}  // namespace penstock
