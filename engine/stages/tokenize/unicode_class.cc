#include "engine/stages/tokenize/unicode_class.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace penstock {
namespace {

struct Range {
  std::uint32_t begin;
  std::uint32_t end;
  std::uint8_t char_class;
};

constexpr Range ranges[] = {
#include "engine/stages/tokenize/data/unicode_ranges.inc"
};

constexpr std::array<std::uint8_t, 128> make_ascii() {
  std::array<std::uint8_t, 128> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    classes[c] = other;
    if ((c >= '\t' && c <= '\r') || c == ' ') classes[c] = space;
    if (c >= '0' && c <= '9') classes[c] = number;
    if (c >= 'A' && c <= 'Z') classes[c] = upper;
    if (c >= 'a' && c <= 'z') classes[c] = lower;
  }
  return classes;
}

constexpr std::array<std::uint8_t, 128> ascii = make_ascii();

// Every assigned letter is below this but for a few marks (variation selectors).
constexpr std::uint32_t table_size = 0x34000;

std::vector<std::uint8_t> make_table() {
  std::vector<std::uint8_t> table(table_size, other);
  std::copy(ascii.begin(), ascii.end(), table.begin());
  for (const Range& range : ranges)
    for (std::uint32_t c = range.begin; c < std::min(range.end, table_size); ++c)
      table[c] = range.char_class;
  return table;
}

std::uint8_t class_of(std::uint32_t code) {
  static const std::vector<std::uint8_t> table = make_table();
  if (code < table_size) return table[code];
  const Range* range =
      std::upper_bound(std::begin(ranges), std::end(ranges), code,
                       [](std::uint32_t value, const Range& each) { return value < each.begin; });
  return range != std::begin(ranges) && code < range[-1].end ? range[-1].char_class
                                                             : std::uint8_t{other};
}

}  // namespace

ClassifiedChar classify(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(text[at + i]) & 0xFF; };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {ascii[lead], at + 1};
  if (lead < 0xE0) return {class_of((lead & 0x1F) << 6 | (byte(1) & 0x3F)), at + 2};
  if (lead < 0xF0)
    return {class_of((lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F)), at + 3};
  return {class_of((lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 |
                   (byte(3) & 0x3F)),
          at + 4};
}

std::size_t run_end(std::string_view text, std::size_t at, std::uint8_t mask) {
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      if ((ascii[byte] & mask) == 0) break;
      ++at;
    } else {
      const ClassifiedChar c = classify(text, at);
      if ((c.char_class & mask) == 0) break;
      at = c.end;
    }
  }
  return at;
}

}  // namespace penstock
