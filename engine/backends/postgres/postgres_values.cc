#include "engine/backends/postgres/postgres_values.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

namespace penstock {
namespace {

constexpr std::size_t key_bytes_max = 2'600;

constexpr std::string_view hex_digits = "0123456789abcdef";

constexpr std::array<std::int8_t, 256> values_of_digits = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < hex_digits.size(); ++i)
    values[static_cast<unsigned char>(hex_digits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

// How long a UTF-8 sequence that begins so claims to be.
std::size_t sequence_size(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

void PostgresArray::add_text(std::string_view text) {
  separate();
  elements_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') elements_ += '\\';
    elements_ += c;
  }
  elements_ += '"';
}

void PostgresArray::add_bytes(std::string_view bytes) {
  separate();
  elements_ += "\"\\\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    elements_ += {hex_digits[byte >> 4], hex_digits[byte & 15]};
  }
  elements_ += '"';
}

void PostgresArray::add(std::int64_t value) {
  separate();
  elements_ += std::to_string(value);
}

void PostgresArray::add(bool value) {
  separate();
  elements_ += value ? 't' : 'f';
}

void PostgresArray::add_null() {
  separate();
  elements_ += "NULL";
}

std::string text_array(std::span<const std::string> texts) {
  PostgresArray array;
  for (const std::string& text : texts) array.add_text(text);
  return array.literal();
}

void bytes_from_hex(std::string_view digits, std::span<char> out) {
  const std::size_t size = std::min(out.size(), digits.size() / 2);
  for (std::size_t i = 0; i < size; ++i) {
    const int high = values_of_digits[static_cast<unsigned char>(digits[2 * i])];
    const int low = values_of_digits[static_cast<unsigned char>(digits[2 * i + 1])];
    if (high < 0 || low < 0) return;
    out[i] = static_cast<char>(high << 4 | low);
  }
}

std::string bytes_from_hex(std::string_view digits) {
  std::string bytes(digits.size() / 2, '\0');
  bytes_from_hex(digits, bytes);
  return bytes;
}

VersionId version_from_hex(std::string_view digits) {
  VersionId version;
  bytes_from_hex(digits, {reinterpret_cast<char*>(version.bytes.data()), version.bytes.size()});
  return version;
}

bool is_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos &&
         simdjson::validate_utf8(text.data(), text.size());
}

std::string as_text(std::string_view text) {
  if (is_text(text)) return std::string(text);
  std::string clean;
  while (!text.empty()) {
    const std::string_view sequence = text.substr(0, sequence_size(text.front()));
    const bool is_valid = is_text(sequence);
    clean += is_valid ? sequence : "\xEF\xBF\xBD";
    text.remove_prefix(is_valid ? sequence.size() : 1);
  }
  return clean;
}

Result<void> require_key(std::string_view key) {
  if (key.size() > key_bytes_max)
    return permanent_error(as_text(key.substr(0, 100)) + "...: a key of " +
                           std::to_string(key.size()) + " bytes; Postgres indexes at most " +
                           std::to_string(key_bytes_max) + ", so give the document a shorter one");
  if (!is_text(key))
    return permanent_error(as_text(key) + ": the key is not valid UTF-8; rename the document");
  return {};
}

}  // namespace penstock
