// A line with right-to-left letters, from where its glyphs stand to the order in which it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct UNormalizer2;

namespace penstock::layout {

class RightToLeft {
 public:
  RightToLeft();

  // Whether lines whose own letters do not decide are read from the right.
  void begin_page(bool mostly_right_to_left) { page_is_right_to_left_ = mostly_right_to_left; }

  // A part of the line, from `begin` to `stop` along it. `backwards`: its glyphs go from right to
  // left, so that its text is in the order of reading already. The text outlives append_line().
  void add(float begin, float stop, float height, bool backwards, std::string_view utf8);

  // What was added since the last call, as one line without an end.
  void append_line(std::string& utf8);

 private:
  enum class Kind : std::uint8_t { left, right, number, separator, neutral };
  struct Part {
    float begin, stop, height;
    bool backwards;
    std::string_view text;
  };

  void lay_out();
  void classify();
  bool is_right_to_left() const;
  std::size_t island_end(std::size_t begin, std::size_t end) const;
  std::size_t number_end(std::size_t begin, std::size_t end) const;
  void read_from_left();
  void read_from_right(std::size_t begin, std::size_t end);
  void straighten_brackets();
  void write(char32_t code, std::string& utf8) const;

  const UNormalizer2* const compatibility_;
  bool page_is_right_to_left_ = false;
  std::vector<Part> parts_;
  std::u32string visual_;  // the line from left to right
  std::vector<Kind> kinds_;
  std::u32string logical_;
  std::vector<std::size_t> mirrored_;                         // brackets in logical_
  std::vector<std::pair<std::size_t, std::size_t>> islands_;  // of the part being read
};

}  // namespace penstock::layout
