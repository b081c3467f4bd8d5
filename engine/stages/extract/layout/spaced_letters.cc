#include "engine/stages/extract/layout/spaced_letters.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "engine/stages/extract/layout/scripts.h"

namespace penstock::layout {
namespace {

constexpr std::size_t letters_min = 4;
constexpr float gap_max = 0.5F;           // heights; matrices have wider ones,
constexpr float capitals_gap_max = 0.8F;  // but capitals are spaced more
constexpr float uneven = 1.5F;            // of the usual gap: one between words

struct Gap {
  std::uint32_t run;  // behind it
  float width;
};

bool is_one_code(std::string_view text) {
  std::size_t codes = 0;
  for (const char c : text) codes += static_cast<std::size_t>((c & 0xC0) != 0x80);
  return codes == 1;
}

// Glyphs that stand alone, one after the other.
class Row {
 public:
  void clear() { *this = {}; }
  void add(std::string_view text, Gap gap) {
    const bool letter = is_one_letter(text);
    letters_ += static_cast<std::size_t>(letter);
    const auto first = static_cast<unsigned char>(text.front());
    capitals_ += static_cast<std::size_t>(first >= 'A' && first <= 'Z');
    steps_ += static_cast<std::size_t>(first == last_ + 1 || first == last_);
    last_ = first;
    if (all_++ > 0) gaps_.push_back(gap);
  }

  // Letters of a heading have gaps of one width, and of a larger one between words. Letters of a
  // formula stand as far from each other as its words do, up to `word_gap`, or form a sequence.
  void close_up(float height, float word_gap, std::vector<Joint>& joints) {
    if (letters_ < letters_min || 2 * letters_ < all_ || 2 * steps_ > all_) return;
    std::vector<float> widths;
    for (const Gap& gap : gaps_) widths.push_back(gap.width);
    const auto middle = widths.begin() + static_cast<std::ptrdiff_t>(widths.size() / 2);
    std::nth_element(widths.begin(), middle, widths.end());
    const float usual = *middle;
    const auto even = std::count_if(gaps_.begin(), gaps_.end(), [usual](const Gap& gap) {
      return gap.width > 0.7F * usual && gap.width < 1.3F * usual;
    });
    const bool capital = 2 * capitals_ > letters_;
    if (usual > (capital ? capitals_gap_max : gap_max) * height || word_gap < 1.4F * usual ||
        3 * static_cast<std::size_t>(even) < 2 * gaps_.size())
      return;
    for (const Gap& gap : gaps_)
      joints[gap.run] = gap.width > uneven * usual ? Joint::after_space : Joint::next;
  }

 private:
  std::vector<Gap> gaps_;
  std::size_t all_ = 0;
  std::size_t letters_ = 0;
  std::size_t capitals_ = 0;
  std::size_t steps_ = 0;  // from a letter to itself or the next of the alphabet
  int last_ = 0;
};

}  // namespace

void close_up(const PageGlyphs& page, const Span& span, std::vector<Joint>& joints) {
  const auto for_each_run = [&](auto call) {
    float stop = span.begin;
    bool alone = false;
    for (std::uint32_t number = span.first; number < span.end; ++number) {
      if (joints[number] == Joint::dropped) continue;
      const GlyphRun& run = page.runs[number];
      std::string_view text = page.text_of(run);
      text = text.substr(0, text.find_last_not_of(' ') + 1);
      const float gap = run.x0 * span.ux + run.y0 * span.uy - stop;
      stop = run.x1 * span.ux + run.y1 * span.uy;
      const bool alone_before = std::exchange(alone, is_one_code(text));
      call(text, Gap{number, gap}, alone, alone_before);
    }
  };
  float word_gap = std::numeric_limits<float>::max();
  for_each_run([&](std::string_view, Gap gap, bool alone, bool alone_before) {
    if (gap.run > span.first && joints[gap.run] == Joint::after_space && !(alone && alone_before))
      word_gap = std::min(word_gap, gap.width);
  });
  Row row;
  for_each_run([&](std::string_view text, Gap gap, bool alone, bool alone_before) {
    if (!(alone && alone_before)) {
      row.close_up(span.height, word_gap, joints);
      row.clear();
    }
    if (alone) row.add(text, gap);
  });
  row.close_up(span.height, word_gap, joints);
}

void close_up_line(std::string& line, std::size_t begin) {
  const std::string_view text = std::string_view(line).substr(begin);
  std::string closed;
  std::size_t letters = 0;
  std::size_t steps = 0;  // from a letter to the next of the alphabet
  std::string_view before;
  for (std::size_t at = text.find_first_not_of(' '); at != std::string_view::npos;) {
    const std::size_t stop = std::min(text.find(' ', at), text.size());
    const std::string_view letter = text.substr(at, stop - at);
    if (!is_one_letter(letter)) return;
    if (!before.empty() && letter.back() == before.back() + 1) ++steps;
    before = letter;
    ++letters;
    closed += letter;
    at = text.find_first_not_of(' ', stop);
    if (at != std::string_view::npos && at > stop + 1) closed += ' ';
  }
  // An index begins with A B C D.
  if (letters < letters_min + 1 || 2 * steps > letters) return;
  line.replace(begin, std::string::npos, closed);
}

}  // namespace penstock::layout
