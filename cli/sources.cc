#include "cli/sources.h"

#include <utility>

namespace penstock {

Sources::Sources(const SourceOptions& options, std::vector<std::string> leave_out) {
  SourceWalkOptions local;
  local.sources = options.sources;
  local.include = options.include;
  local.exclude = options.exclude;
  local.leave_out = std::move(leave_out);
  local_ = std::make_unique<SourceWalk>(std::move(local));
}

std::optional<Claim> Sources::claim() {
  return local_->claim();
}

void Sources::close() {
  local_->close();
}

bool Sources::ended() const {
  return local_->ended();
}

const std::vector<std::string>& Sources::folders() const {
  return local_->folders();
}

}  // namespace penstock
