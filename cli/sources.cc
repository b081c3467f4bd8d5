#include "cli/sources.h"

#include <utility>

#include "cli/objects.h"

namespace penstock {

Sources::Sources(const SourceOptions& options, const ObjectOptions& objects,
                 std::vector<std::string> leave_out) {
  SourceWalkOptions local;
  S3WalkOptions s3;
  for (const std::string& source : options.sources)
    (is_object(source) ? s3.sources : local.sources).push_back(source);
  local.include = s3.include = options.include;
  local.exclude = s3.exclude = options.exclude;
  local.leave_out = std::move(leave_out);
  if (!local.sources.empty()) local_ = std::make_unique<SourceWalk>(std::move(local));
  if (!s3.sources.empty()) s3_ = std::make_unique<S3Walk>(s3_options(objects), std::move(s3));
}

std::optional<Claim> Sources::claim() {
  std::optional<Claim> claim;
  if (local_) claim = local_->claim();
  if (!claim && s3_) claim = s3_->claim();
  return claim;
}

void Sources::close() {
  if (local_) local_->close();
  if (s3_) s3_->close();
}

bool Sources::ended() const {
  return (!local_ || local_->ended()) && (!s3_ || s3_->ended());
}

std::vector<std::string> Sources::folders() const {
  std::vector<std::string> folders;
  if (local_) folders = local_->folders();
  if (s3_)
    for (std::string& folder : s3_->folders()) folders.push_back(std::move(folder));
  return folders;
}

}  // namespace penstock
