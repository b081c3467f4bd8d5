// A table of a TOML file whose keys are asked for one after another; finish() refuses those that
// nobody asked for. All throw FatalError with one line that names file, line, key and what is wrong
// with it.
#pragma once

#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock {

// A file's text, whole.
std::string read_toml(const std::string& path);
// `path` is for messages.
toml::table parse_toml(const std::string& text, const std::string& path);

class TomlTable {
 public:
  // `table` outlives it. `where` is for messages: "[[kind]] ".
  TomlTable(const toml::table& table, std::string path, std::string where)
      : table_(table), path_(std::move(path)), where_(std::move(where)) {}

  bool has(std::string_view key) const { return table_.contains(key); }

  double number(std::string_view key, double otherwise, double least, double most);
  std::uint64_t whole(std::string_view key, std::uint64_t otherwise, std::uint64_t least,
                      std::uint64_t most);
  bool flag(std::string_view key);
  std::string text(std::string_view key, std::string otherwise = {});
  // Of a file or folder; from the file's own folder, wherever the program is started.
  std::string path(std::string_view key);
  // Of a server, or of a file. What is secret in it does not belong into a profile, which every
  // report shows: "$NAME" stands for what the environment's variable NAME has.
  std::string url(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  // "20s", or a number of seconds.
  double seconds(std::string_view key, double otherwise);
  // "1MB", or a number of bytes.
  std::uint64_t bytes(std::string_view key, std::uint64_t otherwise);
  template <typename Value>
  Value one_of(std::string_view key, Value otherwise,
               const std::vector<std::pair<std::string_view, Value>>& values) {
    const toml::node* const node = find(key);
    if (node == nullptr) return otherwise;
    const std::string said = node->value_or<std::string>("");
    std::string names;
    for (const auto& [name, value] : values) {
      if (said == name) return value;
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    refuse(key, "is one of " + names);
  }
  std::vector<TomlTable> tables(std::string_view key);
  std::optional<TomlTable> table(std::string_view key);

  void finish() const;
  // A key that is missing is where its table is.
  [[noreturn]] void refuse(std::string_view key, const std::string& why) const;

 private:
  const toml::node* find(std::string_view key);
  template <typename Units>
  double quantity(std::string_view key, double otherwise, const Units& units, double most,
                  const std::string& why);

  const toml::table& table_;
  const std::string path_;
  const std::string where_;
  std::set<std::string> asked_;
};

// One more of `all`, whose name is to be its own: reports tell them apart by it.
template <typename Named>
void add_named(std::vector<Named>& all, const TomlTable& table, Named one) {
  if (one.name.empty()) table.refuse("name", "is empty");
  if (std::ranges::find(all, one.name, &Named::name) != all.end())
    table.refuse("name", "is \"" + one.name + "\", as another's");
  all.push_back(std::move(one));
}

}  // namespace penstock
