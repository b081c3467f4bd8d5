// What the profiles of a capacity run and of a gate have in common: documents, and who embeds them.
// As of TomlTable, all throw FatalError.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loadgen/profile.h"
#include "loadgen/toml_table.h"

namespace penstock {

// Of each [[kind]], one at least. `path` is for messages.
std::vector<DocumentKind> read_kinds(TomlTable& root, const std::string& path);
// Of [provider].
std::optional<ProviderPlan> read_provider(TomlTable& root);

}  // namespace penstock
