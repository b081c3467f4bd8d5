// Events as they travel through Redis: a line "NAME VALUE" a field, and an empty line behind each
// event. In a value \n is the end of a line, and \\ a backslash.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/events.h"

namespace penstock {

std::string to_text(std::span<const DocumentEvent> events);

// In their order. Anybody may send anything: fields that this version does not know are passed
// over, and so is what lacks a field of an event, or has a milestone, lane, time or outcome that
// this version does not know, or text that is no UTF-8.
std::vector<DocumentEvent> parse_events(std::string_view text);

}  // namespace penstock
