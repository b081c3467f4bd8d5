// What a content stream names: fonts, forms, graphics states, properties (ISO 32000-1, 7.8.3).
#pragma once

#include <poppler/Object.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/stages/extract/pdf/byte_buffer.h"
#include "engine/stages/extract/pdf/document.h"
#include "engine/stages/extract/pdf/font_cache.h"
#include "engine/stages/extract/pdf/matrix.h"
#include "engine/stages/extract/pdf/optional_content.h"

namespace penstock::pdf {

class ResourceStore;
struct Form;

// A font with its size, as a graphics state may set it.
struct FontSetting {
  Font* font = nullptr;
  double size = 0;
};

// One resource dictionary. What it gives lives as long as this and the store.
class Resources {
 public:
  Resources(ResourceStore& store, Object dictionary);

  // Null if there is no such thing, or it is none.
  Font* font(std::string_view name);
  Form* form(std::string_view name);
  std::optional<FontSetting> graphics_state_font(std::string_view name);
  // Of a property list: whether what belongs to it is shown, as optional content; and its
  // /ActualText, null if it has none.
  bool is_visible(std::string_view name);
  const std::string* actual_text(std::string_view name);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  template <typename Value>
  using ByName = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  // Content may use it a million times, so what it says is found out once.
  struct Property {
    Object list;  // or the reference to it: optional content is told apart by reference
    std::optional<bool> visible;
    std::optional<std::optional<std::string>> actual_text;
  };

  // The category's dictionary, looked up once.
  const Object& category(std::optional<Object>& known, const char* name);
  // What make(entry) gave, or gives, for the name's entry in `entries`; null if it has none. What
  // is remembered is bounded by the dictionary, not by the names that content makes up.
  template <typename Value, typename Make>
  Value* remembered(ByName<Value>& known, const Object& entries, std::string_view name, Make make);
  Property* property(std::string_view name);
  Font* font_of(const Object& entry);

  ResourceStore& store_;
  const Object dictionary_;
  std::optional<Object> font_dictionary_, form_dictionary_, state_dictionary_, property_dictionary_;
  ByName<Font*> fonts_;
  std::vector<std::unique_ptr<Font>> direct_fonts_;
  ByName<Form*> forms_;
  ByName<std::optional<FontSetting>> states_;
  ByName<Property> properties_;
};

// A form XObject (ISO 32000-1, 8.10).
struct Form {
  Matrix matrix;
  std::array<double, 4> box{};     // /BBox
  Resources* resources = nullptr;  // null: those of whoever shows it
  Object optional_content{objNull};
  Ref ref = Ref::INVALID();
  bool has_content = false;  // `content` is what the stream holds
  bool shows_nothing = false;
  bool running = false;
  ByteBuffer content;
  std::unique_ptr<Resources> own_resources;
};

// The resources of a document. One thread.
class ResourceStore {
 public:
  explicit ResourceStore(Document& document)
      : document_(document), fonts_(document), optional_content_(document) {}

  Document& document() { return document_; }
  FontCache& fonts() { return fonts_; }
  OptionalContent& optional_content() { return optional_content_; }
  // The resource dictionary at `ref`.
  Resources& resources(Ref ref);
  // Null if it is no form.
  Form* form(Ref ref);

 private:
  std::unique_ptr<Form> make_form(Ref ref);

  Document& document_;
  FontCache fonts_;
  OptionalContent optional_content_;
  std::unordered_map<Ref, std::unique_ptr<Resources>> resources_;
  std::unordered_map<Ref, std::unique_ptr<Form>> forms_;
};

}  // namespace penstock::pdf
