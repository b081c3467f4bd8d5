#include "loadgen/profile_parts.h"

#include "engine/core/error.h"

namespace penstock {
namespace {

DocumentKind kind_from(TomlTable& table, std::size_t number) {
  DocumentKind kind;
  kind.name = table.text("name", "kind-" + std::to_string(number + 1));
  kind.weight = table.number("weight", 1, 1e-9, 1e9);
  kind.folder = table.path("folder");
  if (kind.folder.empty()) {
    if (!table.has("size")) table.refuse("size", "is missing, and so is folder");
    kind.bytes = table.bytes("size", 0);
    kind.bytes_of_text = table.bytes("text", 0);
    constexpr std::uint64_t bytes_max = 256'000'000;
    // Less than a page of text is none that is made.
    if (kind.bytes < 4'000 || kind.bytes > bytes_max) table.refuse("size", "is from 4KB to 256MB");
    if (table.has("text") && (kind.bytes_of_text < 3'000 || kind.bytes_of_text > kind.bytes))
      table.refuse("text", "is from 3KB to size");
  }
  table.finish();
  return kind;
}

}  // namespace

std::vector<DocumentKind> read_kinds(TomlTable& root, const std::string& path) {
  std::vector<DocumentKind> kinds;
  for (TomlTable& table : root.tables("kind"))
    add_named(kinds, table, kind_from(table, kinds.size()));
  if (kinds.empty()) throw FatalError(path + ": has no [[kind]] of document");
  return kinds;
}

std::optional<ProviderPlan> read_provider(TomlTable& root) {
  std::optional<TomlTable> provider = root.table("provider");
  if (!provider) return std::nullopt;
  ProviderPlan plan;
  plan.keys = static_cast<std::uint32_t>(provider->whole("keys", 1, 1, 100));
  plan.requests_per_minute = provider->whole("requests_per_minute", 3'000, 1, 1'000'000'000);
  plan.tokens_per_minute = provider->whole("tokens_per_minute", 90'000, 1, 1'000'000'000);
  plan.latency = provider->text("latency", "60ms-400ms");
  plan.faults = provider->number("faults", 0, 0, 1);
  provider->finish();
  return plan;
}

}  // namespace penstock
