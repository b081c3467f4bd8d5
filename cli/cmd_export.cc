#include <array>
#include <chrono>
#include <string_view>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/json.h"
#include "cli/store.h"
#include "engine/backends/local/glob.h"

namespace penstock {
namespace {

constexpr std::array<std::string_view, all_document_times.size()> time_names = {
    "started", "extracted", "embedded", "stored", "done"};

void print_document(const DocumentRecord& record) {
  Json line = {{"event", "document"},
               {"key", record.claim.key},
               {"outcome", name_of(record.outcome)},
               {"message", record.message},
               {"bytes", record.claim.stamp.bytes}};
  if (record.current) {
    line["version"] = record.current->id.hex();
    line["pages"] = record.current->pages;
    line["chunks"] = record.current->chunks;
    line["tokens"] = record.current->tokens;
  }
  Json times = Json::object();
  for (std::size_t i = 0; i < all_document_times.size(); ++i)
    if (const std::optional<WallTime>& at = record.times.*all_document_times[i])
      times[std::string(time_names[i])] =
          std::chrono::duration_cast<std::chrono::milliseconds>(at->time_since_epoch()).count();
  line["times"] = std::move(times);
  print_json_line(line);
}

void print_chunk(const std::string& key, const StoredChunk& stored) {
  print_json_line({{"event", "chunk"},
                   {"key", key},
                   {"ordinal", stored.chunk.ordinal},
                   {"page_first", stored.chunk.page_first},
                   {"page_last", stored.chunk.page_last},
                   {"char_begin", stored.chunk.char_begin},
                   {"char_end", stored.chunk.char_end},
                   {"tokens", stored.chunk.tokens},
                   {"text", stored.text}});
}

}  // namespace

int run_export(const ExportOptions& options) {
  const Store store = open_store_for_reading(options.store);
  const auto listed = store.ledger->for_each([&](const DocumentRecord& record) {
    const std::string& key = record.claim.key;
    if (!options.path_glob.empty() && !glob_matches(options.path_glob, key)) return true;
    print_document(record);
    if (options.documents_only || !record.current) return true;
    const auto chunks = store.vectors->chunks({key, record.current->id});
    if (!chunks) throw FatalError(chunks.error().message);
    for (const StoredChunk& stored : *chunks) print_chunk(key, stored);
    return true;
  });
  if (!listed) throw FatalError(listed.error().message);
  return exit_done;
}

}  // namespace penstock
