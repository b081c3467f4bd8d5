// The lines of a chunk that show why it was found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock {

struct SnippetMarks {
  std::string_view begin;
  std::string_view end;
};

// At most three lines of at most 88 columns, from where the query's words stand closest together;
// from the start if none does. The query's words stand between the marks.
std::vector<std::string> snippet(std::string_view text, std::string_view query,
                                 const SnippetMarks& marks);

}  // namespace penstock
