// Any runs at any place: the text is valid, and nothing is in it but what the runs say. Runs that
// are well apart from each other on the page are all in it.
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "engine/stages/extract/layout/text_assembly.h"
#include "test/fuzz/require.h"

namespace penstock::layout {
namespace {

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  unsigned next() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  // Mostly a place on the page, now and then any bit pattern.
  float coordinate() {
    const unsigned kind = next();
    if (kind < 250) return static_cast<float>(kind * 256 + next()) / 64;
    std::uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) bits = bits << 8 | next();
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

 private:
  std::string_view bytes_;
};

constexpr std::string_view texts[] = {
    "a",      "water", "x ",     " ",      "T i t l e s", "A  B", "水",          "は車",
    "\u05d0", "אב (1", "\uFEFC", "\uFE76", "\u00a0",      "3.5%", "\u05d0 Mill", "\uFB01"};

std::string letters_of(std::string_view utf8) {
  std::string letters;
  for (const char c : utf8)
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) letters += c;
  std::sort(letters.begin(), letters.end());
  return letters;
}

std::string assemble(const PageGlyphs& page) {
  static TextAssembly assembly;
  std::string raw;
  assembly.append_page(page, raw);
  REQUIRE(simdjson::validate_utf8(raw.data(), raw.size()));
  REQUIRE(raw.empty() || raw.ends_with('\n'));
  return raw;
}

void check_any(Bytes bytes) {
  PageGlyphs page;
  while (!bytes.empty() && page.runs.size() < 4096) {
    const unsigned what = bytes.next();
    const std::string_view text = texts[what % std::size(texts)];
    const unsigned turn = what / 16;
    GlyphRun run;
    run.text_begin = static_cast<std::uint32_t>(page.utf8.size());
    page.utf8 += text;
    run.text_end = static_cast<std::uint32_t>(page.utf8.size());
    run.x0 = bytes.coordinate();
    run.y0 = bytes.coordinate();
    run.height = turn < 12 ? 10 : bytes.coordinate();
    constexpr float ux[] = {1, 0, -1, 0, 0.8F, 0.96F};
    constexpr float uy[] = {0, 1, 0, -1, 0.6F, 0.28F};
    const unsigned direction = turn < 8 ? 0 : turn % std::size(ux);
    run.ux = ux[direction];
    run.uy = uy[direction];
    const float length = turn == 15 ? bytes.coordinate() : 5 * static_cast<float>(text.size());
    run.x1 = run.x0 + length * run.ux;
    run.y1 = run.y0 + length * run.uy;
    run.vertical = direction == 3;
    run.hidden = turn == 5;
    page.runs.push_back(run);
  }
  const std::string letters = letters_of(assemble(page));
  const std::string given = letters_of(page.utf8);
  REQUIRE(std::includes(given.begin(), given.end(), letters.begin(), letters.end()));
}

// One run a cell of a grid of 6 by 60, in any order.
void check_apart(Bytes bytes) {
  PageGlyphs page;
  bool taken[360] = {};
  while (!bytes.empty()) {
    const unsigned cell = (bytes.next() << 8 | bytes.next()) % 360;
    const std::string_view text = texts[bytes.next() % std::size(texts)];
    if (std::exchange(taken[cell], true)) continue;
    GlyphRun run;
    run.text_begin = static_cast<std::uint32_t>(page.utf8.size());
    page.utf8 += text;
    run.text_end = static_cast<std::uint32_t>(page.utf8.size());
    run.x0 = 10 + static_cast<float>(cell % 6) * 100;
    run.x1 = run.x0 + 5 * static_cast<float>(text.size());
    run.y0 = run.y1 = 10 + static_cast<float>(cell / 6) * 12;
    run.height = 10;
    page.runs.push_back(run);
  }
  REQUIRE(letters_of(assemble(page)) == letters_of(page.utf8));
}

}  // namespace
}  // namespace penstock::layout

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::layout::Bytes bytes({reinterpret_cast<const char*>(data), size});
  penstock::layout::check_any(bytes);
  penstock::layout::check_apart(bytes);
  return 0;
}
