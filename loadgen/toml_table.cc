#include "loadgen/toml_table.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/core/error.h"
#include "loadgen/profile.h"

namespace penstock {
namespace {

template <typename Unit>
struct UnitName {
  std::string_view name;
  Unit of;
};

constexpr UnitName<double> time_units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3'600}};
constexpr UnitName<double> size_units[] = {{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}};

// "1.5 MB"; absent: it is none.
template <typename Units>
std::optional<double> with_unit(std::string_view text, const Units& units) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, of] : units)
    if (unit == name) return number * of;
  return std::nullopt;
}

// What is quoted of a file may have line breaks.
std::string in_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return text;
}

std::string text_of(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

}  // namespace

std::string read_toml(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw FatalError(path + ": the profile cannot be read");
  std::ostringstream all;
  all << file.rdbuf();
  return std::move(all).str();
}

toml::table parse_toml(const std::string& text, const std::string& path) {
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw FatalError(path + ":" + std::to_string(error.source().begin.line) + ": " +
                     in_one_line(std::string(error.description())));
  }
}

const toml::node* TomlTable::find(std::string_view key) {
  asked_.emplace(key);
  return table_.get(key);
}

template <typename Units>
double TomlTable::quantity(std::string_view key, double otherwise, const Units& units, double most,
                           const std::string& why) {
  const toml::node* const node = find(key);
  if (node == nullptr) return otherwise;
  std::optional<double> value;
  if (node->is_number())
    value = node->value<double>();
  else if (const auto text = node->value_exact<std::string>())
    value = with_unit(*text, units);
  if (!value || !(*value >= 0 && *value <= most)) refuse(key, why);
  return *value;
}

double TomlTable::number(std::string_view key, double otherwise, double least, double most) {
  const toml::node* const node = find(key);
  if (node == nullptr) return otherwise;
  const std::optional<double> value = node->value<double>();
  if (!node->is_number() || !value || !(*value >= least && *value <= most))
    refuse(key, "is a number from " + text_of(least) + " to " + text_of(most));
  return *value;
}

std::uint64_t TomlTable::whole(std::string_view key, std::uint64_t otherwise, std::uint64_t least,
                               std::uint64_t most) {
  const toml::node* const node = find(key);
  if (node == nullptr) return otherwise;
  const std::optional<std::int64_t> value = node->value_exact<std::int64_t>();
  if (!value || *value < 0 || static_cast<std::uint64_t>(*value) < least ||
      static_cast<std::uint64_t>(*value) > most)
    refuse(key, "is a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return static_cast<std::uint64_t>(*value);
}

bool TomlTable::flag(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return false;
  const std::optional<bool> value = node->value_exact<bool>();
  if (!value) refuse(key, "is true or false");
  return *value;
}

std::string TomlTable::text(std::string_view key, std::string otherwise) {
  const toml::node* const node = find(key);
  if (node == nullptr) return otherwise;
  const auto value = node->value_exact<std::string>();
  if (!value) refuse(key, "is a text in quotes");
  return *value;
}

std::string TomlTable::path(std::string_view key) {
  const std::string said = text(key);
  if (said.empty() && has(key)) refuse(key, "is empty");
  return said.empty() ? said : (std::filesystem::path(path_).parent_path() / said).string();
}

std::string TomlTable::url(std::string_view key) {
  std::string said = text(key);
  if (said.starts_with('$')) {
    const char* const value = std::getenv(said.c_str() + 1);
    if (value == nullptr || *value == '\0')
      refuse(key, "is what " + said.substr(1) + " has in the environment, which is nothing");
    return value;
  }
  const std::size_t host = said.rfind('@');
  const std::size_t user = said.find("://");
  if (host != std::string::npos && user < host &&
      said.substr(0, host).find(':', user + 3) != std::string::npos)
    refuse(key, "has a password, which reports would show: write \"$NAME\", and set NAME to it");
  return said;
}

std::vector<std::string> TomlTable::texts(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return {};
  std::vector<std::string> values;
  const toml::array* const array = node->as_array();
  if (array == nullptr) refuse(key, "is a list of texts in quotes");
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) refuse(key, "is a list of texts in quotes");
    values.push_back(*value);
  }
  return values;
}

double TomlTable::seconds(std::string_view key, double otherwise) {
  return quantity(key, otherwise, time_units, std::chrono::duration<double>(run_time_max).count(),
                  "is a time: \"20s\", \"5m\", \"250ms\"; at most 100 days");
}

std::uint64_t TomlTable::bytes(std::string_view key, std::uint64_t otherwise) {
  return static_cast<std::uint64_t>(quantity(key, static_cast<double>(otherwise), size_units, 1e15,
                                             "is a size: \"800KB\", \"1.5MB\""));
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return {};
  std::vector<TomlTable> tables;
  const toml::array* const array = node->as_array();
  if (array == nullptr) refuse(key, "is written as [[" + std::string(key) + "]]");
  for (const toml::node& element : *array) {
    if (!element.is_table()) refuse(key, "is written as [[" + std::string(key) + "]]");
    tables.emplace_back(*element.as_table(), path_, "[[" + std::string(key) + "]] ");
  }
  return tables;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_table()) refuse(key, "is written as [" + std::string(key) + "]");
  return TomlTable(*node->as_table(), path_, "[" + std::string(key) + "] ");
}

void TomlTable::finish() const {
  for (const auto& [key, _] : table_)
    if (!asked_.contains(std::string(key.str()))) refuse(key.str(), "is no key here");
}

void TomlTable::refuse(std::string_view key, const std::string& why) const {
  const toml::node* const node = table_.get(key);
  const std::uint32_t line = (node != nullptr ? node : &table_)->source().begin.line;
  throw FatalError(path_ + ":" + std::to_string(line) + ": " + where_ +
                   in_one_line(std::string(key) + " " + why));
}

}  // namespace penstock
