#include "engine/stages/extract/pdf/resources.h"

#include <poppler/Dict.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/stages/extract/pdf/syntax.h"
#include "engine/stages/extract/pdf/text_string.h"

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

template <typename Value, typename Make>
Value* Resources::remembered(ByName<Value>& known, const Object& entries, std::string_view name,
                             Make make) {
  if (const auto found = known.find(name); found != known.end()) return &found->second;
  if (!entries.isDict()) return nullptr;
  std::string key = decode_name(name);
  key.resize(std::min(key.find('\0'), key.size()));  // where Poppler's names end
  if (const auto found = known.find(key); found != known.end()) return &found->second;
  const Object& entry = entries.getDict()->lookupNF(key.c_str());
  if (entry.isNull()) return nullptr;
  return &known.emplace(key, make(entry)).first->second;
}

Font* Resources::font(std::string_view name) {
  Font** const font = remembered(fonts_, category(font_dictionary_, "Font"), name,
                                 [&](const Object& entry) { return font_of(entry); });
  return font != nullptr ? *font : nullptr;
}

Font* Resources::font_of(const Object& entry) {
  if (entry.isRef()) return store_.fonts().font(entry.getRef());
  direct_fonts_.push_back(store_.fonts().direct(entry));
  return direct_fonts_.back().get();
}

Form* Resources::form(std::string_view name) {
  Form** const form = remembered(
      forms_, category(form_dictionary_, "XObject"), name,
      [&](const Object& entry) { return entry.isRef() ? store_.form(entry.getRef()) : nullptr; });
  return form != nullptr ? *form : nullptr;
}

std::optional<FontSetting> Resources::graphics_state_font(std::string_view name) {
  const auto* const setting = remembered(
      states_, category(state_dictionary_, "ExtGState"), name,
      [&](const Object& entry) -> std::optional<FontSetting> {
        Document& document = store_.document();
        const Object font = document.lookup(document.resolve(entry), "Font");
        if (!font.isArray() || font.arrayGetLength() < 2) return std::nullopt;
        const Object size = document.element(font, 1);
        return FontSetting{font_of(font.arrayGetNF(0)), size.isNum() ? size.getNum() : 0};
      });
  return setting != nullptr ? *setting : std::nullopt;
}

Resources::Property* Resources::property(std::string_view name) {
  return remembered(properties_, category(property_dictionary_, "Properties"), name,
                    [](const Object& entry) {
                      return Property{entry.copy(), {}, {}};
                    });
}

bool Resources::is_visible(std::string_view name) {
  Property* const known = property(name);
  if (known == nullptr) return true;
  if (!known->visible) known->visible = store_.optional_content().is_visible(known->list);
  return *known->visible;
}

const std::string* Resources::actual_text(std::string_view name) {
  Property* const known = property(name);
  if (known == nullptr) return nullptr;
  if (!known->actual_text) {
    Document& document = store_.document();
    const Object value = document.lookup(document.resolve(known->list), "ActualText");
    known->actual_text.emplace();
    if (value.isString())
      known->actual_text->emplace(decode_text_string(value.getString()->toStr()));
  }
  return *known->actual_text ? &**known->actual_text : nullptr;
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
