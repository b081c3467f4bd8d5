// Text to work on: the start of the file that PENSTOCK_BENCH_TEXT names, or of generated articles.
#pragma once

#include <cstddef>
#include <string>

namespace penstock {

// At most `bytes` bytes of valid UTF-8. Ends the process if the named file cannot be read.
std::string bench_text(std::size_t bytes);

}  // namespace penstock
