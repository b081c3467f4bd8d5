#include "engine/stages/extract/pdf/interpreter.h"

#include <poppler/Dict.h>

#include <algorithm>
#include <array>

#include "engine/stages/extract/pdf/text_string.h"

namespace penstock::pdf {
namespace {

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

}  // namespace penstock::pdf
