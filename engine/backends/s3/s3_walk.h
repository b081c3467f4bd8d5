// What lies in buckets as work.
#pragma once

#include <atomic>
#include <cstddef>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "engine/backends/s3/s3_client.h"
#include "engine/backends/s3/s3_listing.h"
#include "engine/io/work_queue.h"

namespace penstock {

struct S3WalkOptions {
  // s3://BUCKET or s3://BUCKET/PREFIX. A prefix is S3's: that of `docs` is also one of
  // docs-old/a.pdf, that of `docs/` is not. What lies within another source is that source's.
  std::vector<std::string> sources;
  // As in SourceWalkOptions, against the key below the last slash of the prefix.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  std::size_t page_objects = 1'000;  // a request, of which S3 answers no more
};

// Keys and locations are s3://BUCKET/KEY; a key that ends with a slash is a folder's marker, and no
// document. While one page is claimed the next is on its way; memory is that of these two. A
// listing that fails ends its source with a claim of the source itself. claim() on one thread;
// close() from any.
class S3Walk final : public WorkQueue {
 public:
  // Asks for one object of each source. Throws FatalError when a source cannot be listed, or has a
  // prefix under which there is nothing, or as S3Client does.
  S3Walk(S3Options service, S3WalkOptions options);

  std::optional<Claim> claim() override;
  void acknowledge(const Claim&, Outcome, const std::string&) override {}
  void give_back(const Claim&) override {}
  void close() override;

  // Whether everything was claimed, and each source could be listed to its end.
  bool ended() const { return ended_ && !listing_failed_; }
  // The sources, as prefixes of their documents' keys.
  std::vector<std::string> folders() const;

 private:
  void add_source(const std::string& source);
  // Begins to fetch it.
  void ask_for(std::string token);
  Result<S3Page> await_page();
  std::optional<Claim> claim_of(const S3Object& object) const;
  Claim claim_of_failure();
  bool is_wanted(std::string_view relative) const;

  const S3WalkOptions options_;
  S3Client client_;
  std::vector<S3Location> sources_;
  std::size_t listed_ = 0;  // the source that the page is of
  bool is_listed_whole_ = false;
  S3Page page_;
  std::size_t next_object_ = 0;
  std::string token_;  // of the page that is on its way
  std::future<Result<HttpResponse>> ahead_;
  bool ended_ = false;
  bool listing_failed_ = false;
  std::atomic<bool> closed_{false};
};

}  // namespace penstock
