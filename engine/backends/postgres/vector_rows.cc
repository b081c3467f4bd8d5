#include "engine/backends/postgres/vector_rows.h"

#include <bit>
#include <concepts>
#include <cstring>
#include <string_view>

#include "engine/backends/postgres/postgres_values.h"

namespace penstock {
namespace {

constexpr std::int16_t columns = 9;

// The protocol is big-endian; a loop over this becomes one shuffle a vector register.
template <std::unsigned_integral Number>
constexpr Number big_endian(Number value) {
  if constexpr (std::endian::native == std::endian::big || sizeof value == 1) {
    return value;
  } else {
    Number swapped = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) {
      swapped = static_cast<Number>(swapped << 8 | (value & 0xFF));
      value = static_cast<Number>(value >> 8);
    }
    return swapped;
  }
}

template <std::integral Number>
void append_number(Number number, std::string& rows) {
  const auto wire = big_endian(static_cast<std::make_unsigned_t<Number>>(number));
  rows.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

// A field is its length, then its value.
template <std::integral Number>
void append_field(Number number, std::string& rows) {
  append_number(static_cast<std::int32_t>(sizeof number), rows);
  append_number(number, rows);
}

void append_field(std::string_view text, std::string& rows) {
  append_number(static_cast<std::int32_t>(text.size()), rows);
  rows += text;
}

// pgvector's: the dimensions, a zero, the floats.
void append_field(std::span<const float> vector, std::string& rows) {
  append_number(static_cast<std::int32_t>(2 * sizeof(std::int16_t) + vector.size_bytes()), rows);
  append_number(static_cast<std::int16_t>(vector.size()), rows);
  append_number(std::int16_t{0}, rows);
  const std::size_t begin = rows.size();
  rows.resize(begin + vector.size_bytes());
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const std::uint32_t wire = big_endian(std::bit_cast<std::uint32_t>(vector[i]));
    std::memcpy(rows.data() + begin + i * sizeof wire, &wire, sizeof wire);
  }
}

}  // namespace

void append_vector_row(std::int64_t version, const Chunk& chunk, std::span<const float> vector,
                       std::string& rows) {
  append_number(columns, rows);
  append_field(version, rows);
  append_field(static_cast<std::int32_t>(chunk.ordinal), rows);
  append_field(static_cast<std::int32_t>(chunk.page_first), rows);
  append_field(static_cast<std::int32_t>(chunk.page_last), rows);
  append_field(static_cast<std::int64_t>(chunk.char_begin), rows);
  append_field(static_cast<std::int64_t>(chunk.char_end), rows);
  append_field(static_cast<std::int32_t>(chunk.tokens), rows);
  if (is_text(chunk.text)) {
    append_field(chunk.text, rows);
  } else {
    append_field(std::string_view(as_text(chunk.text)), rows);
  }
  append_field(vector, rows);
}

}  // namespace penstock
