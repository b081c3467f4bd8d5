#include "engine/stages/extract/pdf/glyph_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::pdf {
namespace {

using Entry = std::pair<std::string_view, std::string_view>;

// The encodings of CMSY, CMMI, CMEX and their like (Computer Modern's Type 1 fonts), and the
// characters of Unicode that have these shapes. Sorted.
constexpr std::array<Entry, 50> tex_names = {{
    {"angbracketleft", "uni27E8"},
    {"angbracketright", "uni27E9"},
    {"arrowbothv", "uni2195"},
    {"arrowdblbothv", "uni21D5"},
    {"arrowhookleft", "uni21A9"},
    {"arrowhookright", "uni21AA"},
    {"arrownortheast", "uni2197"},
    {"arrownorthwest", "uni2196"},
    {"arrowsoutheast", "uni2198"},
    {"arrowsouthwest", "uni2199"},
    {"ceilingleft", "uni2308"},
    {"ceilingright", "uni2309"},
    {"check", "caron"},
    {"circlecopyrt", "copyright"},
    {"circledivide", "uni2298"},
    {"circledot", "uni2299"},
    {"circleminus", "uni2296"},
    {"coproduct", "uni2210"},
    {"diamondmath", "uni22C4"},
    {"epsilon1", "uni03F5"},
    {"equivasymptotic", "uni224D"},
    {"flat", "uni266D"},
    {"floorleft", "uni230A"},
    {"floorright", "uni230B"},
    {"follows", "uni227B"},
    {"followsequal", "uni2AB0"},
    {"greatermuch", "uni226B"},
    {"hyphenchar", "hyphen"},
    {"intersectionsq", "uni2293"},
    {"latticetop", "uni22A4"},
    {"lessmuch", "uni226A"},
    {"lscript", "uni2113"},
    {"mapsto", "uni21A6"},
    {"natural", "uni266E"},
    {"negationslash", "uni0338"},
    {"owner", "uni220B"},
    {"pi1", "uni03D6"},
    {"precedesequal", "uni2AAF"},
    {"prime", "minute"},
    {"rho1", "uni03F1"},
    {"sharp", "uni266F"},
    {"similarequal", "uni2243"},
    {"star", "uni22C6"},
    {"subsetsqequal", "uni2291"},
    {"supersetsqequal", "uni2292"},
    {"triangle", "uni25B3"},
    {"triangleinv", "uni25BD"},
    {"turnstileleft", "uni22A2"},
    {"turnstileright", "uni22A3"},
    {"unionsq", "uni2294"},
}};
static_assert(std::is_sorted(tex_names.begin(), tex_names.end()));

// The large ones come in sizes: "parenleftBigg" is a parenleft, "summationtext" a summation.
constexpr std::array<std::string_view, 6> sizes = {"Bigg", "bigg", "Big", "big", "display", "text"};

std::string_view without_size(std::string_view name) {
  for (const std::string_view size : sizes)
    if (name.size() > size.size() + 3 && name.ends_with(size))
      return name.substr(0, name.size() - size.size());
  return name;
}

}  // namespace

std::string known_glyph_name(std::string_view name) {
  const std::string_view base = without_size(name);
  const auto found = std::lower_bound(tex_names.begin(), tex_names.end(), Entry{base, {}});
  return std::string(found != tex_names.end() && found->first == base ? found->second : base);
}

}  // namespace penstock::pdf
