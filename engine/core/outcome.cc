#include "engine/core/outcome.h"

#include <cstddef>

namespace penstock {
namespace {

struct Wording {
  std::string_view name;
  std::string_view description;
};

constexpr Wording wordings[] = {
    {"pending", "waits to be processed"},
    {"done", "stored and searchable"},
    {"no_text", "no page has text; a scan needs OCR first"},
    {"encrypted", "needs a password to open"},
    {"corrupt", "damaged beyond repair"},
    {"crashed", "the extractor crashed on it"},
    {"timed_out", "extraction took longer than the time limit of a document"},
    {"out_of_memory", "extraction needed more than the memory limit of a document"},
    {"unsupported", "neither a PDF nor text"},
    {"too_large", "larger than the size limit of a document"},
    {"unreadable", "the source could not be read"},
    {"failed", "refused by a later stage"},
};
static_assert(std::size(wordings) == all_outcomes.size());

}  // namespace

std::string_view name_of(Outcome outcome) {
  return wordings[static_cast<std::size_t>(outcome)].name;
}

std::optional<Outcome> outcome_named(std::string_view name) {
  for (const Outcome outcome : all_outcomes)
    if (name_of(outcome) == name) return outcome;
  return std::nullopt;
}

std::string_view describe(Outcome outcome) {
  return wordings[static_cast<std::size_t>(outcome)].description;
}

}  // namespace penstock
