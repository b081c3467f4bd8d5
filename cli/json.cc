#include "cli/json.h"

#include <cstdio>
#include <string>

namespace penstock {

void print_json_line(const Json& object) {
  std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

}  // namespace penstock
