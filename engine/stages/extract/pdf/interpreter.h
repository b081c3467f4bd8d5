// Content streams (ISO 32000-1, 8 and 9), as far as text goes: which glyphs a page shows, and
// where. What is drawn, coloured, clipped or shaded is passed over.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stages/extract/pdf/content_lexer.h"
#include "engine/stages/extract/pdf/matrix.h"
#include "engine/stages/extract/pdf/resources.h"
#include "engine/stages/extract/pdf/run_builder.h"

namespace penstock::pdf {

// One thread. Keeps what it allocated from page to page.
class Interpreter {
 public:
  explicit Interpreter(ResourceStore& store) : store_(store) {}

  // Before anything of a page. `page` and `warning` stay alive until the next one.
  void begin_page(Resources* resources, layout::PageGlyphs& page, Warning& warning);
  // The page's content, which is changed.
  void run(ByteBuffer& content);
  // A form by itself, as annotations have one: `placed` maps its space to the page's.
  void run_form(Form& form, const Matrix& placed);
  // A line of text that no content stream shows, such as a field's value.
  void show_line(std::string_view utf8, Point start, double height);

 private:
  struct TextState {
    Font* font = nullptr;
    double font_size = 0;
    double char_spacing = 0;
    double word_spacing = 0;
    double horizontal_scaling = 1;
    double leading = 0;
    double rise = 0;
    int render_mode = 0;
  };
  struct State {
    Matrix ctm;
    TextState text;
  };
  // What the content between BMC or BDC and EMC is.
  enum class Marked : std::uint8_t { plain, replaced, invisible };

  void execute(ByteBuffer& content, Resources* resources, int depth);
  void apply(std::uint32_t operation, ContentLexer& lexer, Resources* resources, int depth);
  void show_form(Form& form, Resources* inherited, int depth);
  void warn_of_too_much_content();

  Font* find_font(Resources* resources, std::string_view name);
  void begin_marked(const ContentLexer& lexer, Resources* resources);
  void end_marked();
  // Sets replacement_; false if there is none.
  bool find_replacement(const Operand& properties, Resources* resources);

  void show(std::span<const Byte> string);
  void show_array(const std::vector<Operand>& elements);
  void move_line(double x, double y);
  void set_text_matrix(const Matrix& matrix);

  // Text space and its derived measures, computed when something changed them.
  struct Metrics {
    bool valid = false;
    Matrix text_to_page;      // its origin moves along with what is shown
    double em = 1;            // the font's size along the baseline, on the page
    double char_spacing = 0;  // text space; horizontal scaling applied
    bool spaced = false;      // so widely that each glyph stands alone
    RunStyle style;
  };
  void update_metrics();
  Point position() const;
  void advance(double distance);
  // Ends the open run `back` before where the text stands: spacing behind a glyph is not part of
  // it.
  void close_run(double back);
  // Behind an operator that shows text.
  void end_show();

  ResourceStore& store_;
  layout::PageGlyphs* page_ = nullptr;
  Warning* warning_ = nullptr;
  Resources* page_resources_ = nullptr;
  std::uint32_t forms_shown_ = 0;
  std::size_t content_bytes_ = 0;

  State state_;
  std::vector<State> saved_;
  std::size_t saved_unkept_ = 0;  // q beyond the limit
  Matrix text_matrix_, line_matrix_;
  Metrics metrics_;
  RunBuilder runs_;

  std::vector<Marked> marked_;
  std::size_t marked_unkept_ = 0;
  int invisible_ = 0;  // how many of marked_ are
  bool replaced_ = false;
  std::string_view replacement_;  // of a property list, or own_replacement_
  std::string own_replacement_;
  bool replacement_shown_ = false;
  Point replacement_end_;  // where the last glyph that it replaces ended

  std::vector<Operand> elements_;
  std::vector<std::unique_ptr<ByteBuffer>> form_content_;  // by depth
  std::size_t forms_bytes_ = 0;                            // kept in forms, of the whole document
};

}  // namespace penstock::pdf
