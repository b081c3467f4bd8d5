#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/json.h"
#include "cli/wiring.h"
#include "engine/backends/local/glob.h"
#include "engine/service/search.h"
#include "engine/service/snippet.h"
#include "reports/format.h"

namespace penstock {
namespace {

constexpr SnippetMarks bold{"\033[1m", "\033[0m"};

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
  for (const std::string& line : snippet(hit.text, query, terminal ? bold : SnippetMarks{}))
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

  const auto found = current_hits(*store.ledger, *store.vectors, query, options.hits, accept);
  if (!found) throw FatalError(found.error().message);
  const std::vector<Hit>& hits = *found;
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
