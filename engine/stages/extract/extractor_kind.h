// Which extractor reads PDFs.
#pragma once

#include <optional>
#include <string_view>

namespace penstock {

enum class ExtractorKind {
  penstock,  // our interpreter on Poppler's objects
  poppler,   // Poppler's own text output: slower; the judge of the other
};

constexpr std::string_view name_of(ExtractorKind kind) {
  return kind == ExtractorKind::penstock ? "penstock" : "poppler";
}

constexpr std::optional<ExtractorKind> extractor_named(std::string_view name) {
  for (const ExtractorKind kind : {ExtractorKind::penstock, ExtractorKind::poppler})
    if (name_of(kind) == name) return kind;
  return std::nullopt;
}

// penstock, unless it was built with a Poppler whose objects it does not know.
#ifdef PENSTOCK_INTERPRETER
inline constexpr ExtractorKind default_extractor = ExtractorKind::penstock;
#else
inline constexpr ExtractorKind default_extractor = ExtractorKind::poppler;
#endif

}  // namespace penstock
