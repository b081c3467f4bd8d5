#include "engine/stages/extract/pdf/resources.h"

#include <poppler/Dict.h>

#include <cmath>
#include <utility>

#include "engine/stages/extract/pdf/syntax.h"

namespace penstock::pdf {
namespace {

// Reads as many numbers as the array must have; what is none is left alone.
template <std::size_t count>
void read_numbers(Document& document, const Object& array, std::array<double, count>& numbers) {
  if (!array.isArray() || array.arrayGetLength() < static_cast<int>(count)) return;
  for (std::size_t i = 0; i < count; ++i) {
    const Object value = document.element(array, static_cast<int>(i));
    if (value.isNum() && std::isfinite(value.getNum())) numbers[i] = value.getNum();
  }
}

}  // namespace

Resources::Resources(ResourceStore& store, Object dictionary)
    : store_(store), dictionary_(std::move(dictionary)) {}

const Object& Resources::category(std::optional<Object>& known, const char* name) {
  if (!known) known = store_.document().lookup(dictionary_, name);
  return *known;
}

template <typename Value, typename Find>
Value& Resources::remembered(ByName<Value>& known, std::string_view name, Find find) {
  if (const auto found = known.find(name); found != known.end()) return found->second;
  return known.emplace(name, find(decode_name(name))).first->second;
}

Font* Resources::font(std::string_view name) {
  return remembered(fonts_, name, [&](const std::string& key) -> Font* {
    const Object& fonts = category(font_dictionary_, "Font");
    if (!fonts.isDict()) return nullptr;
    const Object& font = fonts.getDict()->lookupNF(key.c_str());
    return font.isNull() ? nullptr : store_.fonts().font(font);
  });
}

Form* Resources::form(std::string_view name) {
  return remembered(forms_, name, [&](const std::string& key) -> Form* {
    const Object& forms = category(form_dictionary_, "XObject");
    if (!forms.isDict()) return nullptr;
    const Object& form = forms.getDict()->lookupNF(key.c_str());
    return form.isRef() ? store_.form(form.getRef()) : nullptr;
  });
}

std::optional<FontSetting> Resources::graphics_state_font(std::string_view name) {
  return remembered(states_, name, [&](const std::string& key) -> std::optional<FontSetting> {
    Document& document = store_.document();
    const Object state = document.lookup(category(state_dictionary_, "ExtGState"), key.c_str());
    const Object setting = document.lookup(state, "Font");
    if (!setting.isArray() || setting.arrayGetLength() < 2) return std::nullopt;
    const Object size = document.element(setting, 1);
    return FontSetting{store_.fonts().font(setting.arrayGetNF(0)),
                       size.isNum() ? size.getNum() : 0};
  });
}

const Object& Resources::property(std::string_view name) {
  return remembered(properties_, name, [&](const std::string& key) -> Object {
    const Object& properties = category(property_dictionary_, "Properties");
    return properties.isDict() ? properties.getDict()->lookupNF(key.c_str()).copy()
                               : Object(objNull);
  });
}

Resources& ResourceStore::resources(Ref ref) {
  std::unique_ptr<Resources>& known = resources_[ref];
  if (!known) known = std::make_unique<Resources>(*this, document_.fetch(ref));
  return *known;
}

Form* ResourceStore::form(Ref ref) {
  const auto [entry, added] = forms_.try_emplace(ref);
  if (added) entry->second = make_form(ref);
  return entry->second.get();
}

std::unique_ptr<Form> ResourceStore::make_form(Ref ref) {
  // Most XObjects are images, and one key says so.
  if (const std::optional<RawValue> raw = document_.peek(ref)) {
    bool is_image = false;
    for_each_entry(raw->begin(), raw->end(), [&](std::string_view key, const RawValue& value) {
      if (key == "Subtype") is_image = value.is_name("Image");
    });
    if (is_image) return nullptr;
  }
  const Object object = document_.fetch(ref);
  if (!object.isStream()) return nullptr;
  const Dict& dictionary = *object.streamGetDict();
  if (!document_.lookup(dictionary, "Subtype").isName("Form") &&
      dictionary.lookupNF("BBox").isNull())
    return nullptr;
  auto form = std::make_unique<Form>();
  form->ref = ref;
  std::array<double, 6> matrix = {1, 0, 0, 1, 0, 0};
  read_numbers(document_, document_.lookup(dictionary, "Matrix"), matrix);
  form->matrix = {matrix[0], matrix[1], matrix[2], matrix[3], matrix[4], matrix[5]};
  read_numbers(document_, document_.lookup(dictionary, "BBox"), form->box);
  form->optional_content = dictionary.lookupNF("OC").copy();
  const Object& own = dictionary.lookupNF("Resources");
  if (own.isRef()) {
    form->resources = &resources(own.getRef());
  } else if (own.isDict()) {
    form->own_resources = std::make_unique<Resources>(*this, own.copy());
    form->resources = form->own_resources.get();
  }
  return form;
}

}  // namespace penstock::pdf
