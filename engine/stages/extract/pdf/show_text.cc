// How the interpreter shows strings: text state and codes to runs of glyphs (ISO 32000-1, 9.4).
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/stages/extract/pdf/interpreter.h"

namespace penstock::pdf {
namespace {

// Of a run's height. A gap below the first parts no words, not even in narrow type; one that goes
// further back than the second is no kerning, but right-to-left text set glyph by glyph.
constexpr double kern_gap_max = 0.09;
constexpr double kern_back_max = 0.3;
// Character spacing that looks like spaces; text assembly tells letter-spaced words from gaps.
constexpr double char_spacing_max = 0.1;

}  // namespace

void Interpreter::set_text_matrix(const Matrix& matrix) {
  line_matrix_ = matrix;
  text_matrix_ = matrix;
  metrics_.valid = false;
}

void Interpreter::move_line(double x, double y) {
  line_matrix_.translate(x, y);
  if (metrics_.valid) {
    // The same axes: only the origin is another.
    text_matrix_.e = line_matrix_.e;
    text_matrix_.f = line_matrix_.f;
    const Matrix origin = text_matrix_.then(state_.ctm);
    metrics_.text_to_page.e = origin.e;
    metrics_.text_to_page.f = origin.f;
  } else {
    text_matrix_ = line_matrix_;
  }
}

void Interpreter::update_metrics() {
  const TextState& text = state_.text;
  Metrics& metrics = metrics_;
  metrics.valid = true;
  metrics.text_to_page = text_matrix_.then(state_.ctm);
  const Matrix& matrix = metrics.text_to_page;
  const double across = std::hypot(matrix.a, matrix.b);
  const double up = std::hypot(matrix.c, matrix.d);
  const bool vertical = text.font != nullptr && text.font->is_vertical();
  double height = std::abs(text.font_size) * up;
  if (text.font != nullptr) height *= text.font->height_scale();
  // A font of no size still has its place in the order of words.
  metrics.style.height = std::isfinite(height) && height > 1e-6 ? height : 1;
  // Which way the text runs: a negative size turns it around.
  const double sign = text.font_size * (vertical ? -1 : text.horizontal_scaling) < 0 ? -1 : 1;
  const double length = vertical ? up : across;
  const double x = vertical ? matrix.c : matrix.a;
  const double y = vertical ? matrix.d : matrix.b;
  metrics.style.direction = length > 1e-12 && std::isfinite(length)
                                ? Point{sign * x / length, sign * y / length}
                                : Point{1, 0};
  metrics.style.vertical = vertical;
  metrics.style.hidden = text.render_mode == 3;
  metrics.em = std::abs(text.font_size * (vertical ? 1 : text.horizontal_scaling)) * length;
  metrics.char_spacing = text.char_spacing * (vertical ? 1 : text.horizontal_scaling);
  metrics.spaced =
      std::abs(metrics.char_spacing) * length > char_spacing_max * metrics.style.height;
}

Point Interpreter::position() const {
  const Matrix& matrix = metrics_.text_to_page;
  const double rise = state_.text.rise;
  return {matrix.e + rise * matrix.c, matrix.f + rise * matrix.d};
}

void Interpreter::advance(double distance) {
  const bool vertical = metrics_.style.vertical;
  Matrix& page = metrics_.text_to_page;
  page.translate(vertical ? 0 : distance, vertical ? distance : 0);
  text_matrix_.translate(vertical ? 0 : distance, vertical ? distance : 0);
}

void Interpreter::close_run(double back) {
  if (!runs_.is_open()) return;
  Matrix end = metrics_.text_to_page;
  if (metrics_.style.vertical)
    end.translate(0, -back);
  else
    end.translate(-back, 0);
  const double rise = state_.text.rise;
  runs_.close({end.e + rise * end.c, end.f + rise * end.d});
}

void Interpreter::show(std::span<const Byte> string) {
  if (!metrics_.valid) update_metrics();
  Font* const font = state_.text.font;
  if (font == nullptr || string.empty()) return;
  const double size = state_.text.font_size;
  const double scaling = metrics_.style.vertical ? 1 : state_.text.horizontal_scaling;
  const double spacing = metrics_.char_spacing;
  const double word_spacing = state_.text.word_spacing * scaling;
  const double glyph_scale = size * scaling;
  const bool visible = invisible_ == 0;

  double pending = 0;  // shown, but the text position not yet moved
  const auto take = [&](const Glyph& glyph, bool is_space) {
    const double width =
        (metrics_.style.vertical ? glyph.advance_y : glyph.advance_x) * glyph_scale + spacing +
        (is_space ? word_spacing : 0);
    if (!visible) {
      pending += width;
      return;
    }
    if (replaced_) {
      if (!replacement_shown_) {
        replacement_shown_ = true;
        runs_.open(position(), metrics_.style);
        runs_.append(replacement_);
      }
      pending += width;
      return;
    }
    if (glyph.text_bytes == 0) {
      // A glyph of unknown meaning is a gap.
      advance(std::exchange(pending, 0));
      close_run(spacing);
      pending += width;
      return;
    }
    if (!runs_.is_open()) {
      advance(std::exchange(pending, 0));
      runs_.open(position(), metrics_.style);
    }
    runs_.append(glyph);
    pending += width;
    if (metrics_.spaced) {
      advance(std::exchange(pending, 0));
      close_run(spacing);
    }
  };
  if (font->is_composite()) {
    while (!string.empty()) {
      const Glyph& glyph = font->glyph(string);
      const std::size_t bytes = std::min<std::size_t>(glyph.code_bytes, string.size());
      take(glyph, bytes == 1 && string[0] == ' ');
      string = string.subspan(bytes);
    }
  } else {
    for (const Byte code : string) take(font->glyph(code), code == ' ');
  }
  advance(pending);
}

void Interpreter::show_array(const std::vector<Operand>& elements) {
  for (const Operand& element : elements) {
    if (element.kind == Operand::Kind::string) {
      show(element.bytes());
      continue;
    }
    if (!metrics_.valid) update_metrics();
    const double shift = -element.number() / 1000 * state_.text.font_size *
                         (metrics_.style.vertical ? 1 : state_.text.horizontal_scaling);
    if (runs_.is_open() && !replaced_) {
      // A positive number moves against the writing in horizontal text, along it in vertical text.
      const double ems = element.number() / (metrics_.style.vertical ? 1000 : -1000);
      const double along = ems * metrics_.em / metrics_.style.height;
      if (along > kern_gap_max || along < -kern_back_max) close_run(metrics_.char_spacing);
    }
    advance(shift);
  }
  end_show();
}

void Interpreter::end_show() {
  if (!replaced_) return close_run(metrics_.char_spacing);
  replacement_end_ = position();
}

}  // namespace penstock::pdf
