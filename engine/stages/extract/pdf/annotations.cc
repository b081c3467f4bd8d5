#include "engine/stages/extract/pdf/annotations.h"

#include <poppler/Dict.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "engine/stages/extract/pdf/text_string.h"

namespace penstock::pdf {
namespace {

// Annotation flags (table 165) and field flags (table 228).
constexpr int flag_hidden = 1 << 1;
constexpr int flag_no_view = 1 << 5;
constexpr int field_flag_password = 1 << 13;
constexpr int field_depth_max = 16;

struct Rectangle {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  double width() const { return x1 - x0; }
  double height() const { return y1 - y0; }
};

std::optional<Rectangle> read_rectangle(Document& document, const Object& array) {
  if (!array.isArray() || array.arrayGetLength() < 4) return std::nullopt;
  std::array<double, 4> values;
  for (int i = 0; i < 4; ++i) {
    const Object value = document.element(array, i);
    if (!value.isNum()) return std::nullopt;
    values[static_cast<std::size_t>(i)] = value.getNum();
  }
  return Rectangle{std::min(values[0], values[2]), std::min(values[1], values[3]),
                   std::max(values[0], values[2]), std::max(values[1], values[3])};
}

// Links and pop-ups are most annotations, and show nothing of their own; their bytes say so.
bool shows_nothing(Document& document, Ref ref) {
  const std::optional<RawValue> raw = document.peek(ref);
  if (!raw) return false;
  bool nothing = false;
  bool has_appearance = false;
  const Byte* const end =
      for_each_entry(raw->begin(), raw->end(), [&](std::string_view key, const RawValue& value) {
        if (key == "Subtype") nothing = value.is_name("Link") || value.is_name("Popup");
        if (key == "AP") has_appearance = true;
      });
  return end != nullptr && nothing && !has_appearance;
}

// The normal appearance: a stream, or one of several by state.
Form* appearance(ResourceStore& store, const Object& annotation) {
  Document& document = store.document();
  const Object appearances = document.lookup(annotation, "AP");
  if (!appearances.isDict()) return nullptr;
  const Object& normal = appearances.getDict()->lookupNF("N");
  const Object states = document.resolve(normal);
  if (!states.isDict()) return normal.isRef() ? store.form(normal.getRef()) : nullptr;
  const Object state = document.lookup(annotation, "AS");
  if (!state.isName()) return nullptr;
  const Object& chosen = states.getDict()->lookupNF(state.getName());
  return chosen.isRef() ? store.form(chosen.getRef()) : nullptr;
}

// 12.5.5, algorithm 8.1: the appearance's box, as its matrix turns it, is fitted into the
// rectangle.
Matrix placement(const Form& form, const Rectangle& place) {
  const Matrix& matrix = form.matrix;
  Rectangle turned{1e30, 1e30, -1e30, -1e30};
  for (const double x : {form.box[0], form.box[2]}) {
    for (const double y : {form.box[1], form.box[3]}) {
      const double px = x * matrix.a + y * matrix.c + matrix.e;
      const double py = x * matrix.b + y * matrix.d + matrix.f;
      turned = {std::min(turned.x0, px), std::min(turned.y0, py), std::max(turned.x1, px),
                std::max(turned.y1, py)};
    }
  }
  const double sx = turned.width() > 0 ? place.width() / turned.width() : 1;
  const double sy = turned.height() > 0 ? place.height() / turned.height() : 1;
  return {sx, 0, 0, sy, place.x0 - turned.x0 * sx, place.y0 - turned.y0 * sy};
}

// A field's attribute, its own or an ancestor's.
Object inherited(Document& document, const Object& field, const char* key) {
  Object node = field.copy();
  for (int depth = 0; depth < field_depth_max && node.isDict(); ++depth) {
    Object value = document.lookup(node, key);
    if (!value.isNull()) return value;
    node = document.lookup(node, "Parent");
  }
  return Object(objNull);
}

std::string text_of(Document& document, const Object& value) {
  if (value.isString()) return decode_text_string(value.getString()->toStr());
  std::string text;
  for (int i = 0; value.isArray() && i < value.arrayGetLength(); ++i) {
    const Object element = document.element(value, i);
    if (element.isString()) text += decode_text_string(element.getString()->toStr()) + '\n';
  }
  return text;
}

// What a viewer would show of an annotation without an appearance.
std::string own_text(Document& document, const Object& annotation, const Object& subtype) {
  if (subtype.isName("FreeText")) return text_of(document, document.lookup(annotation, "Contents"));
  if (!subtype.isName("Widget")) return {};
  const Object type = inherited(document, annotation, "FT");
  const Object flags = inherited(document, annotation, "Ff");
  if (!type.isName("Tx") && !type.isName("Ch")) return {};
  if (flags.isInt() && (flags.getInt() & field_flag_password) != 0) return {};
  return text_of(document, inherited(document, annotation, "V"));
}

void show_lines(std::string_view text, const Rectangle& place, Interpreter& interpreter) {
  constexpr double usual_height = 12;
  const double height = std::clamp(place.height() * 0.7, 1.0, usual_height);
  double y = place.y1 - height;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (end > 0) interpreter.show_line(text.substr(0, end), {place.x0, y}, height);
    text.remove_prefix(std::min(end + 1, text.size()));
    y -= height * 1.2;
  }
}

// `text_bytes_left` is for texts of their own, which may all be the same long one.
void show_annotation(const Object& annotation, ResourceStore& store, Interpreter& interpreter,
                     std::size_t& text_bytes_left) {
  Document& document = store.document();
  const Object flags = document.lookup(annotation, "F");
  if (flags.isInt() && (flags.getInt() & (flag_hidden | flag_no_view)) != 0) return;
  const Object subtype = document.lookup(annotation, "Subtype");
  if (subtype.isName("Popup")) return;
  if (!store.optional_content().is_visible(annotation.getDict()->lookupNF("OC"))) return;
  const std::optional<Rectangle> place =
      read_rectangle(document, document.lookup(annotation, "Rect"));
  if (!place) return;
  if (Form* form = appearance(store, annotation)) {
    interpreter.run_form(*form, placement(*form, *place));
  } else if (!annotation.getDict()->hasKey("AP")) {
    const std::string text = own_text(document, annotation, subtype);
    text_bytes_left -= std::min(text.size(), text_bytes_left);
    show_lines(text, *place, interpreter);
  }
}

}  // namespace

void show_annotations(const Object& page_dictionary, ResourceStore& store, Interpreter& interpreter,
                      Warning& warning) {
  Document& document = store.document();
  const Object annotations = document.lookup(page_dictionary, "Annots");
  if (!annotations.isArray()) return;
  if (annotations.arrayGetLength() > annotations_max)
    warning.set("more annotations than a page may have; the rest is left out");
  const int count = std::min(annotations.arrayGetLength(), annotations_max);
  std::size_t text_bytes_left = annotation_text_bytes_max;
  for (int i = 0; i < count && text_bytes_left > 0; ++i) {
    const Object& entry = annotations.arrayGetNF(i);
    if (entry.isRef() && shows_nothing(document, entry.getRef())) continue;
    const Object annotation = document.resolve(entry);
    if (annotation.isDict()) show_annotation(annotation, store, interpreter, text_bytes_left);
  }
  if (text_bytes_left == 0) warning.set("more text than a page may have; the rest is left out");
}

}  // namespace penstock::pdf
