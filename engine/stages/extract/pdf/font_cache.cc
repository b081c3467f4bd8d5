// Poppler's GfxFont inflates and parses the embedded font program of every simple font, for the
// encoding in it, and does so each time a font is made. 59% of real fonts do not need that: their
// /Encoding names a base, or they are TrueType or CID fonts, whose program it does not use. So it
// is given a copy of the font's dictionary without the program, and for the others with the
// program's own encoding put in as /Differences.

#include "engine/stages/extract/pdf/font_cache.h"

#include <poppler/Array.h>
#include <poppler/Dict.h>
#include <poppler/fofi/FoFiType1C.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "engine/stages/extract/pdf/glyph_names.h"
#include "engine/stages/extract/pdf/syntax.h"

namespace penstock::pdf {
namespace {

// Names by code; empty where the program has none.
using Encoding = std::array<std::string, 256>;

constexpr std::array<const char*, 3> program_keys = {"FontFile", "FontFile2", "FontFile3"};

// The descriptor without its font program, or null if it has none; `program` is set to where it is.
Object without_program(Document& document, const Object& font, std::optional<Ref>& program,
                       bool& is_truetype) {
  const Object descriptor = document.lookup(font, "FontDescriptor");
  if (!descriptor.isDict()) return Object(objNull);
  for (const char* key : program_keys) {
    const Object& file = descriptor.getDict()->lookupNF(key);
    if (!file.isRef() || program) continue;
    program = file.getRef();
    is_truetype = std::strcmp(key, "FontFile2") == 0;
  }
  if (!program) return Object(objNull);
  auto* copy = new Dict(descriptor.getDict());
  for (const char* key : program_keys) copy->remove(key);
  return Object(copy);
}

bool names_base_encoding(Document& document, const Object& encoding) {
  const Object base =
      encoding.isDict() ? document.lookup(encoding, "BaseEncoding") : encoding.copy();
  return base.isName("MacRomanEncoding") || base.isName("MacExpertEncoding") ||
         base.isName("WinAnsiEncoding");
}

// "/Encoding 256 array ... dup 65 /A put ... def", in clear before eexec (Adobe Type 1 Font Format,
// 2.3). False for StandardEncoding, which is what Poppler assumes by itself.
bool read_type1_encoding(std::string_view program, Encoding& encoding) {
  program = program.substr(0, program.find("eexec"));
  const std::size_t found = program.find("/Encoding");
  if (found == std::string_view::npos) return false;
  const Byte* at = reinterpret_cast<const Byte*>(program.data()) + found + 9;
  const Byte* const end = reinterpret_cast<const Byte*>(program.data()) + program.size();
  const auto next_word = [&] {
    const Byte* const begin = skip_space(at, end);
    at = skip_value(begin, end);
    return std::string_view(reinterpret_cast<const char*>(begin),
                            static_cast<std::size_t>(at - begin));
  };
  bool any = false;
  for (std::string_view word = next_word(); !word.empty() && word != "def"; word = next_word()) {
    if (word == "StandardEncoding") return false;
    if (word != "dup") continue;
    const std::string code_word(next_word());
    // "8#101" is octal.
    const std::size_t hash = code_word.find('#');
    const int radix = hash == std::string::npos ? 10 : std::atoi(code_word.c_str());
    const char* digits = code_word.c_str() + (hash == std::string::npos ? 0 : hash + 1);
    const long code = radix >= 2 && radix <= 36 ? std::strtol(digits, nullptr, radix) : -1;
    const std::string_view name = next_word();
    if (code < 0 || code >= 256 || !name.starts_with('/')) continue;
    encoding[static_cast<std::size_t>(code)] = name.substr(1);
    any = true;
  }
  return any;
}

bool read_type1c_encoding(const ByteBuffer& program, Encoding& encoding) {
  const std::unique_ptr<FoFiType1C> font(
      FoFiType1C::make(program.data(), static_cast<int>(program.size())));
  char** const names = font ? font->getEncoding() : nullptr;
  if (names == nullptr) return false;
  for (std::size_t code = 0; code < 256; ++code)
    if (names[code] != nullptr) encoding[code] = names[code];
  return true;
}

enum class ProgramKind { type1, type1c, opentype, unknown };

ProgramKind kind_of(const ByteBuffer& program) {
  if (program.size() < 8) return ProgramKind::unknown;
  const Byte first = program.data()[0];
  if (first == '%' || first == 0x80) return ProgramKind::type1;
  if (first == 1) return ProgramKind::type1c;
  if (program.view().starts_with("OTTO")) return ProgramKind::opentype;
  return ProgramKind::unknown;
}

// The program's encoding, then the dictionary's own differences.
Object as_differences(Document& document, const Encoding& program, const Object& encoding) {
  auto* differences = new Array(document.xref());
  int expected = -1;
  for (int code = 0; code < 256; ++code) {
    const std::string& name = program[static_cast<std::size_t>(code)];
    if (name.empty()) continue;
    if (code != expected) differences->add(Object(code));
    differences->add(Object(objName, known_glyph_name(name).c_str()));
    expected = code + 1;
  }
  const Object own = document.lookup(encoding, "Differences");
  for (int i = 0; own.isArray() && i < own.arrayGetLength(); ++i)
    differences->add(document.element(own, i));
  auto* result = new Dict(document.xref());
  result->add("Differences", Object(differences));
  return Object(result);
}

// A simple font's dictionary without its program; null if Poppler should see it as it is.
Object slim_simple(Document& document, const Object& font) {
  std::optional<Ref> program_at;
  bool is_truetype = false;
  Object descriptor = without_program(document, font, program_at, is_truetype);
  if (!program_at) return Object(objNull);
  auto* copy = new Dict(font.getDict());
  Object slim(copy);
  copy->set("FontDescriptor", std::move(descriptor));
  const Object encoding = document.lookup(font, "Encoding");
  if (is_truetype || names_base_encoding(document, encoding)) return slim;

  ByteBuffer program;
  Warning ignored;
  document.read_stream(*program_at, program, ignored);
  program.seal();
  Encoding names;
  bool has_encoding = false;
  switch (kind_of(program)) {
    case ProgramKind::type1:
      has_encoding = read_type1_encoding(program.view(), names);
      break;
    case ProgramKind::type1c:
      has_encoding = read_type1c_encoding(program, names);
      break;
    case ProgramKind::opentype:
      return Object(objNull);
    case ProgramKind::unknown:
      break;
  }
  if (has_encoding) copy->set("Encoding", as_differences(document, names, encoding));
  return slim;
}

// The same for a composite font: Poppler takes no encoding from its program.
Object slim_composite(Document& document, const Object& font) {
  const Object descendants = document.lookup(font, "DescendantFonts");
  if (!descendants.isArray() || descendants.arrayGetLength() == 0) return Object(objNull);
  const Object descendant = document.element(descendants, 0);
  if (!descendant.isDict()) return Object(objNull);
  std::optional<Ref> program_at;
  bool is_truetype = false;
  Object descriptor = without_program(document, descendant, program_at, is_truetype);
  if (!program_at) return Object(objNull);
  auto* descendant_copy = new Dict(descendant.getDict());
  descendant_copy->set("FontDescriptor", std::move(descriptor));
  auto* list = new Array(document.xref());
  list->add(Object(descendant_copy));
  auto* copy = new Dict(font.getDict());
  copy->set("DescendantFonts", Object(list));
  return Object(copy);
}

}  // namespace

Font* FontCache::font(Ref ref) {
  // Null meanwhile, should the font need itself.
  if (by_reference_.try_emplace(ref).second) {
    std::unique_ptr<Font> made = make(document_.fetch(ref), ref);
    by_reference_[ref] = std::move(made);
  }
  return by_reference_[ref].get();
}

Font* FontCache::fallback() {
  if (!fallback_) {
    Object dictionary(new Dict(document_.xref()));
    const auto set = [&](const char* key, const char* name) {
      dictionary.getDict()->add(key, Object(objName, name));
    };
    set("Type", "Font");
    set("Subtype", "Type1");
    set("BaseFont", "Helvetica");
    set("Encoding", "WinAnsiEncoding");
    fallback_ = make(dictionary, Ref::INVALID());
  }
  return fallback_.get();
}

std::unique_ptr<Font> FontCache::make(const Object& object, Ref id) {
  if (!object.isDict()) return nullptr;
  const Object font = document_.with_contents(object);
  const Object subtype = document_.lookup(font, "Subtype");
  Object slim(objNull);
  if (subtype.isName("Type0")) {
    slim = slim_composite(document_, font);
  } else if (!subtype.isName("Type3")) {
    slim = slim_simple(document_, font);
  }
  const Object& chosen = slim.isDict() ? slim : font;
  std::shared_ptr<GfxFont> poppler = GfxFont::makeFont(document_.xref(), "", id, chosen.getDict());
  if (!poppler || !poppler->isOk()) return nullptr;
  return std::make_unique<Font>(std::move(poppler), glyph_pages_left_);
}

}  // namespace penstock::pdf
