#include "engine/backends/s3/s3_blobs.h"

#include <algorithm>
#include <utility>

#include "engine/backends/s3/checksum.h"
#include "engine/backends/s3/s3_download.h"
#include "engine/backends/s3/s3_error.h"
#include "engine/backends/s3/s3_listing.h"
#include "engine/backends/s3/s3_upload.h"
#include "engine/backends/s3/spool_file.h"
#include "engine/core/md5.h"

namespace penstock {
namespace {

// Of a content that does not match its checksum: it was spoilt on its way, and will not be again
// and again.
constexpr int reads_max = 3;

Result<S3Location> object_at(const std::string& location) {
  std::optional<S3Location> parsed = parse_s3_location(location);
  if (!parsed) return permanent_error("not a location such as s3://BUCKET/KEY");
  return *std::move(parsed);
}

bool is_folder(const S3Location& location) {
  return location.key.empty() || location.key.ends_with('/');
}

class Spooled final : public BlobWriter {
 public:
  Spooled(S3Blobs& blobs, std::string location, SpoolFile file)
      : blobs_(blobs), location_(std::move(location)), file_(std::move(file)) {}

  Result<void> append(std::string_view bytes) override { return file_.append(bytes); }
  Result<void> commit() override {
    const Result<std::string_view> content = file_.map();
    if (!content) return pass_on(content.error());
    return blobs_.write(location_, *content);
  }

 private:
  S3Blobs& blobs_;
  const std::string location_;
  SpoolFile file_;
};

}  // namespace

Result<MemoryFile> S3Blobs::read(const std::string& location, std::uint64_t bytes_max) {
  const Result<S3Location> object = object_at(location);
  if (!object) return pass_on(object.error());
  if (is_folder(*object)) {
    const Result<S3Page> page = list_page(client_, *object, {}, 1);
    return page ? permanent_error("is a folder, not an object") : pass_on(page.error());
  }
  for (int reads = 1;; ++reads) {
    S3Download download(client_, *object, bytes_max);
    Result<MemoryFile> content = download.run();
    if (!content) return content;
    const ChecksumVerdict verdict = check_content(content->bytes(), download.headers());
    if (verdict == ChecksumVerdict::right_by_etag) etags_are_md5_ = true;
    const bool is_wrong = verdict == ChecksumVerdict::wrong ||
                          (verdict == ChecksumVerdict::differs_by_etag && etags_are_md5_);
    if (!is_wrong) return content;
    if (reads == reads_max)
      return retryable_error("what came does not match the object's checksum");
  }
}

Result<std::string> S3Blobs::read_range(const std::string& location, std::uint64_t offset,
                                        std::size_t bytes) {
  const Result<S3Location> object = object_at(location);
  if (!object) return pass_on(object.error());
  if (is_folder(*object)) return permanent_error("is a folder, not an object");
  if (bytes == 0) return std::string();
  S3Request request;
  request.at = *object;
  request.headers.add("Range",
                      "bytes=" + std::to_string(offset) + '-' + std::to_string(offset + bytes - 1));
  Result<HttpResponse> response = client_.ask(request);
  if (!response) return pass_on(response.error());
  if (response->status == 416) return std::string();  // it ends before
  if (const std::optional<Error> failure = failure_of(*response)) return pass_on(*failure);
  // Who knows no ranges sends all of it.
  if (response->status == 200)
    return response->body.substr(std::min<std::uint64_t>(offset, response->body.size()), bytes);
  return std::move(response->body);
}

Result<void> S3Blobs::write(const std::string& location, std::string_view bytes) {
  const Result<S3Location> object = object_at(location);
  if (!object) return pass_on(object.error());
  if (is_folder(*object)) return permanent_error("is a folder, not an object");
  if (bytes.size() > client_.options().part_bytes) return S3Upload(client_, *object, bytes).run();
  S3Request request;
  request.method = "PUT";
  request.at = *object;
  request.headers.add("Content-MD5", base64_of(md5(bytes)));
  request.body = bytes;
  const Result<HttpResponse> response = checked(client_.ask(request));
  if (!response) return pass_on(response.error());
  return {};
}

Result<std::unique_ptr<BlobWriter>> S3Blobs::begin(const std::string& location) {
  const Result<S3Location> object = object_at(location);
  if (!object) return pass_on(object.error());
  if (is_folder(*object)) return permanent_error("is a folder, not an object");
  Result<SpoolFile> file = SpoolFile::make();
  if (!file) return pass_on(file.error());
  return std::make_unique<Spooled>(*this, location, std::move(*file));
}

Result<void> S3Blobs::remove(const std::string& location) {
  const Result<S3Location> object = object_at(location);
  if (!object) return pass_on(object.error());
  if (is_folder(*object)) return permanent_error("is a folder, not an object");
  S3Request request;
  request.method = "DELETE";
  request.at = *object;
  const Result<HttpResponse> response = client_.ask(request);
  if (!response) return pass_on(response.error());
  const std::optional<Error> failure = failure_of(*response);
  // Some services mind that there is nothing to remove, as S3 does not.
  if (!failure || (response->status == 404 && error_code_of(*response) != "NoSuchBucket"))
    return {};
  return pass_on(*failure);
}

Result<std::optional<SourceStamp>> S3Blobs::stamp(const std::string& location) {
  const Result<S3Location> object = object_at(location);
  if (!object) return pass_on(object.error());
  return stamp_of_object(client_, *object);
}

}  // namespace penstock
