// Values on their way to Postgres and back: arrays, bytes as hexadecimal digits, text that it
// takes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/error.h"
#include "engine/core/ids.h"

namespace penstock {

// An array as a text parameter: `$1::text[]`, `$1::bytea[]`, `$1::bigint[]`.
class PostgresArray {
 public:
  // No NUL in it: libpq would end the parameter there.
  void add_text(std::string_view text);
  void add_bytes(std::string_view bytes);
  void add(std::int64_t value);
  void add(bool value);
  void add_null();

  std::string literal() const { return elements_.empty() ? "{}" : elements_ + "}"; }

 private:
  void separate() { elements_ += elements_.empty() ? '{' : ','; }

  std::string elements_;
};

std::string text_array(std::span<const std::string> texts);

// The bytes of encode(..., 'hex'); of digits that are none, what came before them.
std::string bytes_from_hex(std::string_view digits);
// Writes at most out.size() bytes.
void bytes_from_hex(std::string_view digits, std::span<char> out);
VersionId version_from_hex(std::string_view digits);

// Whether Postgres takes it as text: valid UTF-8 without a NUL.
bool is_text(std::string_view text);
// With U+FFFD for every byte that it does not take.
std::string as_text(std::string_view text);

// A key names a document and is part of an index, so it is refused rather than changed: a permanent
// error unless it is text of at most 2,600 bytes (a B-tree's entry holds 2,704).
Result<void> require_key(std::string_view key);

}  // namespace penstock
