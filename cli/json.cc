#include "cli/json.h"

#include <cstdio>
#include <string>

namespace penstock {

void print_json_line(const Json& object) {
  std::string line = json_text(object);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

}  // namespace penstock
