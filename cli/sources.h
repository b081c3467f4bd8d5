// The SOURCEs of a command as one queue: folders, files, manifests, a list on standard input, and
// s3://BUCKET[/PREFIX].
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "engine/backends/local/source_walk.h"
#include "engine/backends/s3/s3_walk.h"
#include "engine/io/work_queue.h"

namespace penstock {

class Sources final : public WorkQueue {
 public:
  // `leave_out`: absolute paths to pass over. Throws FatalError when a source does not exist.
  Sources(const SourceOptions& options, const ObjectOptions& objects,
          std::vector<std::string> leave_out);

  std::optional<Claim> claim() override;
  void acknowledge(const Claim&, Outcome, const std::string&) override {}
  void give_back(const Claim&) override {}
  void close() override;

  // Whether everything was claimed, and each folder and bucket could be listed.
  bool ended() const;
  // The folders and buckets among the sources, as prefixes of their documents' keys.
  std::vector<std::string> folders() const;

 private:
  std::unique_ptr<SourceWalk> local_;  // absent: there is no such source; likewise
  std::unique_ptr<S3Walk> s3_;
};

}  // namespace penstock
