#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/snippet.h"
#include "cli/wiring.h"
#include "engine/backends/local/glob.h"

namespace penstock {
namespace {

// The nearest chunks of current versions. Versions that are being written or replaced are in the
// vector store too, so more is asked for until enough are current.
std::vector<Hit> current_hits(Store& store, std::span<const float> query, std::size_t hits_max,
                              const std::function<bool(const std::string&)>& accept) {
  std::map<std::string, std::optional<VersionId>> current;
  const auto is_current = [&](const Hit& hit) {
    const auto [version, is_new] = current.try_emplace(hit.key);
    if (is_new) {
      const auto record = store.ledger->find(hit.key);
      if (!record) throw FatalError(record.error().message);
      if (*record && (*record)->current) version->second = (*record)->current->id;
    }
    return version->second == hit.version;
  };
  for (std::size_t asked = hits_max;; asked *= 2) {
    Result<std::vector<Hit>> found = store.vectors->search(query, asked, accept);
    if (!found) throw FatalError(found.error().message);
    const bool exhausted = found->size() < asked;
    std::vector<Hit> hits;
    for (Hit& hit : *found)
      if (hits.size() < hits_max && is_current(hit)) hits.push_back(std::move(hit));
    if (exhausted || hits.size() == hits_max) return hits;
  }
}

std::string pages_of(const Chunk& chunk) {
  return chunk.page_first == chunk.page_last
             ? fmt::format("page {}", chunk.page_first)
             : fmt::format("pages {}–{}", chunk.page_first, chunk.page_last);
}

void print_hit_json(std::size_t rank, const Hit& hit) {
  print_json_line({{"rank", rank},
                   {"score", hit.score},
                   {"key", hit.key},
                   {"page_first", hit.chunk.page_first},
                   {"page_last", hit.chunk.page_last},
                   {"char_begin", hit.chunk.char_begin},
                   {"char_end", hit.chunk.char_end},
                   {"ordinal", hit.chunk.ordinal},
                   {"version", hit.version.hex()},
                   {"text", hit.text}});
}

void print_hit(std::size_t rank, const Hit& hit, const std::string& query, bool terminal) {
  fmt::print("{:>2}  {:.3f}  {}, {}\n", rank, hit.score, printable(hit.key), pages_of(hit.chunk));
  for (const std::string& line : snippet(hit.text, query, terminal))
    fmt::print("           {}\n", line);
  fmt::print("\n");
}

}  // namespace

int run_search(const SearchOptions& options) {
  Store store = open_store_for_reading(options.store);
  EmbeddingService service(options.embedder);
  store.vectors->require_model(service.embedder().model(), service.embedder().dimensions());
  const std::vector<float> query = service.embed(options.query);
  std::function<bool(const std::string&)> accept;
  if (!options.path_glob.empty())
    accept = [&](const std::string& key) { return glob_matches(options.path_glob, key); };

  const std::vector<Hit> hits = current_hits(store, query, options.hits, accept);
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (options.json) {
      print_hit_json(i + 1, hits[i]);
    } else {
      print_hit(i + 1, hits[i], options.query, terminal);
    }
  }
  if (hits.empty() && !options.json) fmt::print("nothing found\n");
  return exit_done;
}

}  // namespace penstock
