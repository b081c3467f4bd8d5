#include "engine/stages/extract/layout/spans.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/stages/extract/layout/scripts.h"
#include "engine/stages/extract/layout/spaced_letters.h"

namespace penstock::layout {
namespace {

constexpr float cjk_space_gap = 0.8F;  // between two ideographs: justified lines spread them
constexpr float cjk_edge_gap = 0.35F;  // between one and a letter: typesetters put a quarter there
constexpr float repeat_shift = 0.2F;
constexpr float stack_overlap_min = 0.3F;  // heights
constexpr float stack_step_min = 0.25F;
constexpr std::uint32_t singles_min = 3;  // gaps between four letters

float length_of(const GlyphRun& run) {
  return std::fabs(run.x1 - run.x0) + std::fabs(run.y1 - run.y0);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

// What has no finite place is nowhere.
bool is_on(const PageBox& box, const GlyphRun& run) {
  const float margin = run.height;
  return std::isfinite(run.x0 + run.y0 + run.x1 + run.y1 + run.ux + run.uy + run.height) &&
         std::max(run.x0, run.x1) > box.x0 - margin && std::min(run.x0, run.x1) < box.x1 &&
         std::max(run.y0, run.y1) > box.y0 - margin && std::min(run.y0, run.y1) < box.y1 &&
         run.height > 0;
}

bool is_blank(std::string_view text) {
  if (text.front() != ' ' && text.front() != '\xC2') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] != '\xC2' || i + 1 == text.size() || text[i + 1] != '\xA0') return false;
    ++i;
  }
  return true;
}

}  // namespace

void Spans::collect(const PageGlyphs& page, const TextTraits& traits) {
  spans_.clear();
  joints_.assign(page.runs.size(), Joint::next);
  traits_ = traits;
  cursor_ = {};
  const auto runs = static_cast<std::uint32_t>(page.runs.size());
  for (std::uint32_t number = 0; number < runs; ++number) take(page, number);
  for (const Span& span : spans_)
    if (span.spaced_letters) close_up(page, span, joints_);
}

void Spans::take(const PageGlyphs& page, std::uint32_t number) {
  const GlyphRun& run = page.runs[number];
  const std::string_view text = page.text_of(run);
  if (!is_on(page.box, run)) {
    joints_[number] = Joint::dropped;
    return;
  }
  if (meets_last(page, run) && repeats_last(page, number)) return;
  const bool blank = is_blank(text);
  const bool right_to_left = traits_.right_to_left && has_right_to_left(text);
  if (spans_.empty()) {
    if (blank)
      joints_[number] = Joint::dropped;
    else
      start_span(page, number, right_to_left);
    return;
  }
  const Span& span = spans_.back();
  if (!same_direction(run.ux, run.uy, cursor_.ux, cursor_.uy) && bends_on(page, run)) {
    const GlyphRun& last = page.runs[cursor_.run];
    cursor_.ux = run.ux;
    cursor_.uy = run.uy;
    cursor_.begin = last.x0 * run.ux + last.y0 * run.uy;
    cursor_.stop = last.x1 * run.ux + last.y1 * run.uy;
    spans_.back().base = last.y1 * run.ux - last.x1 * run.uy;
  }
  const float from = run.x0 * cursor_.ux + run.y0 * cursor_.uy;
  const float to = run.x1 * cursor_.ux + run.y1 * cursor_.uy;
  const Place at{std::min(from, to), std::max(from, to), run.y0 * cursor_.ux - run.x0 * cursor_.uy};
  const float height = std::max(run.height, page.runs[cursor_.run].height);
  bool joins = same_direction(run.ux, run.uy, cursor_.ux, cursor_.uy) &&
               on_one_base(at.base, run.height, span.base, span.height);
  if (joins && (right_to_left || span.right_to_left)) {
    joins = std::max(at.begin - span.stop, span.begin - at.stop) < hole_gap * height;
  } else if (joins) {
    const float gap = at.begin - cursor_.stop;
    joins = gap < hole_gap * height && gap > -overlap_max * height;
  }
  if (blank) {
    joints_[number] = Joint::dropped;
    cursor_.blank |= joins;
  } else if (joins && run.hidden == span.hidden) {
    extend_span(page, number, at, right_to_left);
  } else {
    start_span(page, number, right_to_left);
    spans_.back().after_space = joins && cursor_.blank;
    cursor_.blank = false;
  }
}

// Whether it begins or ends where the run before does.
bool Spans::meets_last(const PageGlyphs& page, const GlyphRun& run) const {
  const GlyphRun& last = page.runs[cursor_.run];
  const float near = repeat_shift * run.height;
  return (std::fabs(run.x0 - last.x0) < near && std::fabs(run.y0 - last.y0) < near) ||
         (std::fabs(run.x1 - last.x1) < near && std::fabs(run.y1 - last.y1) < near);
}

// Bold and shadows are faked by showing each string twice, next to itself; the two may be cut into
// runs differently. The longer one stays.
bool Spans::repeats_last(const PageGlyphs& page, std::uint32_t number) {
  if (spans_.empty()) return false;
  const GlyphRun& run = page.runs[number];
  const GlyphRun& last = page.runs[cursor_.run];
  // Narrow letters that are doubled stand nearer to each other than a shadow may be.
  const float near =
      std::min({repeat_shift * run.height, 0.5F * length_of(run), 0.5F * length_of(last)});
  const std::string_view text = trimmed(page.text_of(run));
  const std::string_view before = trimmed(page.text_of(last));
  if (text.empty()) return false;
  const bool begins = std::fabs(run.x0 - last.x0) < near && std::fabs(run.y0 - last.y0) < near;
  const bool ends = std::fabs(run.x1 - last.x1) < near && std::fabs(run.y1 - last.y1) < near;
  if ((begins && before.starts_with(text)) || (ends && before.ends_with(text))) {
    joints_[number] = Joint::dropped;
    return true;
  }
  if (!begins || !text.starts_with(before)) return false;
  Span& span = spans_.back();
  joints_[number] = std::exchange(joints_[cursor_.run], Joint::dropped);
  cursor_.run = number;
  cursor_.stop = run.x1 * cursor_.ux + run.y1 * cursor_.uy;
  span.end = number + 1;
  span.bytes += run.text_end - run.text_begin;
  span.stop = std::max(span.stop, cursor_.stop);
  return true;
}

// Text along a curve turns from glyph to glyph.
bool Spans::bends_on(const PageGlyphs& page, const GlyphRun& run) const {
  const GlyphRun& last = page.runs[cursor_.run];
  const float near = 0.5F * std::max(run.height, last.height);
  return run.ux * last.ux + run.uy * last.uy > 0.85F &&  // 32 degrees
         std::fabs(run.x0 - last.x1) < near && std::fabs(run.y0 - last.y1) < near;
}

bool Spans::is_space(const PageGlyphs& page, std::string_view text, float gap, float height) const {
  if (gap <= space_gap * height) return false;
  if (!traits_.ideographs) return true;
  const int ideographs = static_cast<int>(ends_ideographic(page.text_of(page.runs[cursor_.run]))) +
                         static_cast<int>(starts_ideographic(text));
  if (ideographs == 0) return true;
  return gap > (ideographs == 2 ? cjk_space_gap : cjk_edge_gap) * height;
}

// A cell filled up with spaces reaches over its neighbours. A space is narrower than most letters,
// so the text ends at its share of the run or behind that.
float Spans::end_of_text(std::string_view text, const Place& at) const {
  if (!traits_.doubled_spaces || !text.ends_with("  ")) return at.stop;
  const std::size_t letters = text.find_last_not_of(' ') + 1;
  return at.begin +
         (at.stop - at.begin) * static_cast<float>(letters) / static_cast<float>(text.size());
}

void Spans::start_span(const PageGlyphs& page, std::uint32_t number, bool right_to_left) {
  const GlyphRun& run = page.runs[number];
  const float from = run.x0 * run.ux + run.y0 * run.uy;
  const float to = run.x1 * run.ux + run.y1 * run.uy;
  Span& span = spans_.emplace_back();
  span.first = number;
  span.end = number + 1;
  span.bytes = run.text_end - run.text_begin;
  span.ux = run.ux;
  span.uy = run.uy;
  const Place at{std::min(from, to), std::max(from, to), run.y0 * run.ux - run.x0 * run.uy};
  span.begin = at.begin;
  span.stop = end_of_text(page.text_of(run), at);
  span.base = at.base;
  span.height = run.height;
  span.hidden = run.hidden;
  span.right_to_left = right_to_left;
  const bool blank = cursor_.blank;
  cursor_ = {number, run.ux, run.uy, span.begin, span.stop, 0, blank};
}

void Spans::extend_span(const PageGlyphs& page, std::uint32_t number, Place at,
                        bool right_to_left) {
  const GlyphRun& run = page.runs[number];
  const std::string_view text = page.text_of(run);
  Span& span = spans_.back();
  const GlyphRun& last = page.runs[cursor_.run];
  const float height = std::max(run.height, last.height);
  // One above the other: a fraction, or an exponent over an index.
  const bool stacked =
      at.begin - cursor_.stop < -stack_overlap_min * std::min(run.height, last.height) &&
      std::fabs(at.base - (last.y0 * cursor_.ux - last.x0 * cursor_.uy)) > stack_step_min * height;
  if (cursor_.blank || stacked) {
    joints_[number] = Joint::after_space;
    cursor_.singles = 0;
  } else if (is_space(page, text, at.begin - cursor_.stop, height)) {
    joints_[number] = Joint::after_space;
    cursor_.singles = is_one_letter(text) ? cursor_.singles + 1 : 0;
    span.spaced_letters |= cursor_.singles >= singles_min;
  } else {
    cursor_.singles = 0;
  }
  span.end = number + 1;
  span.bytes += run.text_end - run.text_begin;
  span.begin = std::min(span.begin, at.begin);
  const float stop = end_of_text(text, at);
  span.stop = std::max(span.stop, stop);
  span.right_to_left |= right_to_left;
  if (run.height > span.height) {
    span.height = run.height;
    span.base = at.base;
  }
  cursor_.run = number;
  cursor_.begin = at.begin;
  cursor_.stop = stop;
  cursor_.blank = false;
}

}  // namespace penstock::layout
