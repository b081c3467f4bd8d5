// Any document's key and text on its way to Postgres, and digits on their way back: what is sent is
// what Postgres reads back, and a row of chunks has the shape that it is announced with.
#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/postgres/postgres_values.h"
#include "engine/backends/postgres/vector_rows.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

// The only element of an array of text, as Postgres reads it.
std::string element_of(std::string_view literal) {
  REQUIRE(literal.starts_with("{\"") && literal.ends_with("\"}"));
  literal = literal.substr(2, literal.size() - 4);
  std::string element;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    REQUIRE(literal[i] != '"');
    if (literal[i] == '\\') REQUIRE(++i < literal.size());
    element += literal[i];
  }
  return element;
}

void check_array(const std::string& bytes) {
  PostgresArray texts;
  texts.add_text(bytes);
  REQUIRE(element_of(texts.literal()) == bytes);
  PostgresArray binaries;
  binaries.add_bytes(bytes);
  const std::string digits = element_of(binaries.literal());
  REQUIRE(digits.starts_with("\\x"));
  REQUIRE(bytes_from_hex(std::string_view(digits).substr(2)) == bytes);
  REQUIRE(bytes_from_hex(bytes).size() == bytes.size() / 2);
  static_cast<void>(version_from_hex(bytes));
}

void check_text(std::string_view bytes) {
  const std::string text = as_text(bytes);
  REQUIRE(is_text(text));
  REQUIRE(!is_text(bytes) || text == bytes);
  if (const auto sound = require_key(bytes)) {
    REQUIRE(text == bytes);
  } else {
    const std::string& message = sound.error().message;
    REQUIRE(simdjson::validate_utf8(message.data(), message.size()));
  }
}

// Fields in network byte order.
class Row {
 public:
  explicit Row(std::string_view bytes) : bytes_(bytes) {}

  std::string_view take(std::size_t size) {
    REQUIRE(size <= bytes_.size());
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view field() { return take(number(4)); }
  bool is_at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

void check_row(std::string_view bytes) {
  const std::size_t dimensions = bytes.size() / 2 / sizeof(float);
  std::vector<float> vector(dimensions);
  if (dimensions > 0) std::memcpy(vector.data(), bytes.data(), dimensions * sizeof(float));
  Chunk chunk;
  chunk.ordinal = 0x01020304;
  chunk.text = bytes;
  std::string rows;
  append_vector_row(-2, chunk, vector, rows);

  Row row(rows);
  REQUIRE(row.number(2) == 9);
  REQUIRE(Row(row.field()).number(8) == 0xFFFF'FFFF'FFFF'FFFE);
  REQUIRE(Row(row.field()).number(4) == 0x01020304);
  for (const std::size_t size : {4, 4, 8, 8, 4}) REQUIRE(row.field().size() == size);
  REQUIRE(row.field() == as_text(bytes));
  Row embedding(row.field());
  REQUIRE(embedding.number(2) == dimensions && embedding.number(2) == 0);
  for (const float value : vector)
    REQUIRE(embedding.number(4) == std::bit_cast<std::uint32_t>(value));
  REQUIRE(embedding.is_at_end() && row.is_at_end());
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  penstock::check_array(bytes);
  penstock::check_text(bytes);
  penstock::check_row(bytes);
  return 0;
}
