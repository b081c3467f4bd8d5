#include "engine/stages/extract/pdf/interpreter.h"

#include <poppler/Dict.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/stages/extract/pdf/text_string.h"

namespace penstock::pdf {
namespace {

// Of a run's height. A gap below the first parts no words, not even in narrow type; one that goes
// further back than the second is no kerning, but right-to-left text set glyph by glyph.
constexpr double kern_gap_max = 0.09;
constexpr double kern_back_max = 0.3;
// Character spacing that looks like spaces; text assembly tells letter-spaced words from gaps.
constexpr double char_spacing_max = 0.1;

// A form without any of these tokens shows nothing: Tj TJ ' " Do.
bool may_show(const ByteBuffer& content) {
  const Byte* const bytes = content.data();
  for (std::size_t i = 1; i < content.size(); ++i) {
    const Byte byte = bytes[i];
    if (byte == '\'' || byte == '"' || ((byte == 'j' || byte == 'J') && bytes[i - 1] == 'T') ||
        (byte == 'o' && bytes[i - 1] == 'D'))
      return true;
  }
  return false;
}

constexpr std::uint32_t op(std::string_view name) {
  return operator_code(name);
}

}  // namespace

void Interpreter::begin_page(Resources* resources, layout::PageGlyphs& page, Warning& warning) {
  page_ = &page;
  warning_ = &warning;
  page_resources_ = resources;
  forms_shown_ = 0;
  content_bytes_ = 0;
  state_ = {};
  saved_.clear();
  saved_unkept_ = 0;
  set_text_matrix({});
  runs_.begin_page(page, warning);
  marked_.clear();
  marked_unkept_ = 0;
  invisible_ = 0;
  replaced_ = false;
}

void Interpreter::run(ByteBuffer& content) {
  execute(content, page_resources_, 0);
}

void Interpreter::run_form(Form& form, const Matrix& placed) {
  state_ = {};
  state_.ctm = placed;
  set_text_matrix({});
  show_form(form, page_resources_, 0);
}

void Interpreter::show_line(std::string_view utf8, Point start, double height) {
  runs_.open(start, {.height = height});
  runs_.append(utf8);
  runs_.close({start.x + height * 0.5 * static_cast<double>(utf8.size()), start.y});
}

void Interpreter::execute(ByteBuffer& content, Resources* resources, int depth) {
  const std::size_t bytes_left = page_content_bytes_max - content_bytes_;
  if (content.size() > bytes_left) {
    content.truncate(bytes_left);
    warn_of_too_much_content();
  }
  content_bytes_ += content.size();
  content.seal();
  const std::size_t saved_before = saved_.size();
  const std::size_t marked_before = marked_.size();
  ContentLexer lexer(content, elements_, *warning_);
  while (const std::uint32_t operation = lexer.next()) {
    // Q may not restore what another stream saved, nor EMC end what it began.
    if (operation == op("Q") && saved_unkept_ == 0 && saved_.size() <= saved_before) continue;
    if (operation == op("EMC") && marked_unkept_ == 0 && marked_.size() <= marked_before) continue;
    apply(operation, lexer, resources, depth);
  }
  saved_unkept_ = 0;
  marked_unkept_ = 0;
  while (marked_.size() > marked_before) end_marked();
  if (saved_.size() > saved_before) {
    saved_.resize(saved_before);
    metrics_.valid = false;
  }
}

void Interpreter::apply(std::uint32_t operation, ContentLexer& lexer, Resources* resources,
                        int depth) {
  TextState& text = state_.text;
  const Operand* const last = lexer.operand_from_end(0);
  std::array<double, 1> one;
  std::array<double, 2> two;
  std::array<double, 6> six;
  switch (operation) {
    // Graphics state
    case op("q"):
      if (saved_.size() < saved_states_max) {
        saved_.push_back(state_);
      } else {
        ++saved_unkept_;
        warning_->set("graphics states nest too deep");
      }
      break;
    case op("Q"):
      if (saved_unkept_ > 0) {
        --saved_unkept_;
      } else {
        state_ = saved_.back();
        saved_.pop_back();
        metrics_.valid = false;
      }
      break;
    case op("cm"):
      if (lexer.take_numbers(six)) {
        state_.ctm = Matrix{six[0], six[1], six[2], six[3], six[4], six[5]}.then(state_.ctm);
        metrics_.valid = false;
      }
      break;
    case op("gs"):
      if (last != nullptr && resources != nullptr) {
        if (const auto setting = resources->graphics_state_font(last->view())) {
          text.font = setting->font;
          text.font_size = setting->size;
          metrics_.valid = false;
        }
      }
      break;

    // Text state
    case op("Tf"):
      if (last != nullptr && lexer.operand_from_end(1) != nullptr) {
        text.font = find_font(resources, lexer.operand_from_end(1)->view());
        text.font_size = last->is_number() ? last->number() : 0;
        metrics_.valid = false;
      }
      break;
    case op("Tc"):
      if (lexer.take_numbers(one)) text.char_spacing = one[0], metrics_.valid = false;
      break;
    case op("Tw"):
      if (lexer.take_numbers(one)) text.word_spacing = one[0];
      break;
    case op("Tz"):
      if (lexer.take_numbers(one)) text.horizontal_scaling = one[0] / 100, metrics_.valid = false;
      break;
    case op("TL"):
      if (lexer.take_numbers(one)) text.leading = one[0];
      break;
    case op("Ts"):
      if (lexer.take_numbers(one)) text.rise = one[0];
      break;
    case op("Tr"):
      if (lexer.take_numbers(one))
        text.render_mode = static_cast<int>(std::clamp(one[0], 0.0, 7.0)), metrics_.valid = false;
      break;

    // Text position
    case op("BT"):
      set_text_matrix({});
      break;
    case op("Tm"):
      if (lexer.take_numbers(six))
        set_text_matrix({six[0], six[1], six[2], six[3], six[4], six[5]});
      break;
    case op("TD"):
      if (lexer.take_numbers(two)) text.leading = -two[1], move_line(two[0], two[1]);
      break;
    case op("Td"):
      if (lexer.take_numbers(two)) move_line(two[0], two[1]);
      break;
    case op("T*"):
      move_line(0, -text.leading);
      break;

    // Text
    case op("\""):
      if (lexer.operand_from_end(2) != nullptr) {
        text.word_spacing = lexer.operand_from_end(2)->number();
        text.char_spacing = lexer.operand_from_end(1)->number();
        metrics_.valid = false;
      }
      [[fallthrough]];
    case op("'"):
      move_line(0, -text.leading);
      [[fallthrough]];
    case op("Tj"):
      if (last != nullptr && last->kind == Operand::Kind::string) {
        show(last->bytes());
        end_show();
      }
      break;
    case op("TJ"):
      if (last != nullptr && last->kind == Operand::Kind::array) show_array(lexer.elements());
      break;

    // Forms and marked content
    case op("Do"):
      if (last != nullptr && last->kind == Operand::Kind::name && resources != nullptr) {
        if (Form* form = resources->form(last->view())) show_form(*form, resources, depth);
      }
      break;
    case op("BMC"):
    case op("BDC"):
      begin_marked(lexer, resources);
      break;
    case op("EMC"):
      if (marked_unkept_ > 0) {
        --marked_unkept_;
      } else {
        end_marked();
      }
      break;
    case op("BI"):
      lexer.skip_inline_image();
      break;
    default:
      break;  // paths, colours, images: nothing that text needs
  }
}

Font* Interpreter::find_font(Resources* resources, std::string_view name) {
  Font* font = resources != nullptr ? resources->font(name) : nullptr;
  // Forms that forget their fonts use the page's.
  if (font == nullptr && page_resources_ != nullptr && resources != page_resources_)
    font = page_resources_->font(name);
  return font != nullptr ? font : store_.fonts().fallback();
}

void Interpreter::warn_of_too_much_content() {
  warning_->set("more content than a page may have; the rest is left out");
}

void Interpreter::show_form(Form& form, Resources* inherited, int depth) {
  if (form.shows_nothing || !store_.optional_content().is_visible(form.optional_content)) return;
  // A form that shows itself, directly or not, would not end.
  if (form.running) return warning_->set("a form contains itself");
  if (depth >= form_depth_max) return warning_->set("forms nest too deep");
  if (++forms_shown_ > page_forms_max)
    return warning_->set("more forms than a page may have; the rest is left out");

  // Nor is anything read that would be left out.
  if (content_bytes_ >= page_content_bytes_max) return warn_of_too_much_content();

  if (form_content_.size() <= static_cast<std::size_t>(depth))
    form_content_.push_back(std::make_unique<ByteBuffer>());
  ByteBuffer& content = *form_content_[static_cast<std::size_t>(depth)];
  content.clear();
  if (form.has_content) {
    content.append({form.content.data(), form.content.size()});
  } else {
    store_.document().read_stream(form.ref, content, *warning_);
    form.shows_nothing = !may_show(content);
    if (form.shows_nothing) {
      content_bytes_ = std::min(content_bytes_ + content.size(), page_content_bytes_max);
      return;
    }
    // Running it changes it, and it may be shown again.
    if (content.size() <= forms_bytes_max - forms_bytes_) {
      form.content.append({content.data(), content.size()});
      form.has_content = true;
      forms_bytes_ += content.size();
    }
  }

  const State outer = state_;
  const Matrix outer_text = text_matrix_;
  const Matrix outer_line = line_matrix_;
  form.running = true;
  state_.ctm = form.matrix.then(state_.ctm);
  metrics_.valid = false;
  execute(content, form.resources != nullptr ? form.resources : inherited, depth + 1);
  form.running = false;
  state_ = outer;
  text_matrix_ = outer_text;
  line_matrix_ = outer_line;
  metrics_.valid = false;
}

void Interpreter::begin_marked(const ContentLexer& lexer, Resources* resources) {
  if (marked_.size() >= marked_content_depth_max) {
    ++marked_unkept_;
    return warning_->set("marked content nests too deep");
  }
  Marked kind = Marked::plain;
  const Operand* properties = lexer.operand_from_end(0);
  const Operand* tag = lexer.operand_from_end(1);
  if (tag != nullptr && tag->kind == Operand::Kind::name) {
    if (tag->view() == "OC") {
      if (properties->kind == Operand::Kind::name && resources != nullptr &&
          !resources->is_visible(properties->view()))
        kind = Marked::invisible;
    } else if (!replaced_ && find_replacement(*properties, resources)) {
      // Within a replacement, the outer one counts.
      kind = Marked::replaced;
      replaced_ = true;
      replacement_shown_ = false;
    }
  }
  if (kind == Marked::invisible) ++invisible_;
  marked_.push_back(kind);
}

void Interpreter::end_marked() {
  const Marked kind = marked_.back();
  marked_.pop_back();
  if (kind == Marked::invisible) --invisible_;
  if (kind == Marked::replaced) {
    if (runs_.is_open()) runs_.close(replacement_end_);
    replaced_ = false;
  }
}

// /ActualText of a property list that stands right there, or among the resources.
bool Interpreter::find_replacement(const Operand& properties, Resources* resources) {
  if (properties.kind == Operand::Kind::dictionary) {
    bool found = false;
    for_each_entry(properties.begin, properties.begin + properties.size,
                   [&](std::string_view key, const RawValue& value) {
                     if (key != "ActualText" || (*value.begin() != '(' && *value.begin() != '<'))
                       return;
                     std::string decoded(static_cast<std::size_t>(value.end() - value.begin()),
                                         '\0');
                     std::size_t size = 0;
                     auto* const out = reinterpret_cast<Byte*>(decoded.data());
                     const Byte* const begin = value.begin() + 1;
                     if (*value.begin() == '(')
                       decode_literal(begin, value.end(), out, size);
                     else
                       decode_hex(begin, value.end(), out, size);
                     decoded.resize(size);
                     own_replacement_ = decode_text_string(decoded);
                     found = true;
                   });
    replacement_ = own_replacement_;
    return found;
  }
  if (properties.kind != Operand::Kind::name || resources == nullptr) return false;
  const std::string* const text = resources->actual_text(properties.view());
  if (text != nullptr) replacement_ = *text;
  return text != nullptr;
}

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
