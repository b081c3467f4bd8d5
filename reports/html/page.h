// A page around what a report shows: one file that opens offline, in the reader's theme.
#pragma once

#include <string>
#include <string_view>

#include "loadgen/run_record.h"

namespace penstock::html {

// Asks nobody for anything and runs no script: the page's own policy forbids both. `style` comes
// after that of all reports.
std::string page(std::string_view title, const std::string& body, std::string_view style = {});

// In a list of facts, <dl>. The value and more of it are HTML.
std::string fact(std::string_view name, const std::string& value, const std::string& more = {});

std::string environment_line(const Environment& machine);

}  // namespace penstock::html
