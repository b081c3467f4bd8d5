#include "engine/backends/s3/s3_download.h"

#include <charconv>
#include <utility>

#include "engine/backends/s3/s3_error.h"

namespace penstock {
namespace {

constexpr int status_partial = 206;
constexpr int status_changed = 412;  // what If-Match has found
constexpr int status_no_such_range = 416;

// Up to whatever follows.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

// "bytes 5-9/10" begins at 5.
std::optional<std::uint64_t> begin_of_range(const HttpHeaders& headers) {
  constexpr std::string_view unit = "bytes ";
  std::string_view range = headers.find("Content-Range").value_or("");
  if (!range.starts_with(unit)) return std::nullopt;
  range.remove_prefix(unit.size());
  return leading_number(range);
}

}  // namespace

Result<MemoryFile> S3Download::run() {
  S3Patience patience(client_.options());
  for (;;) {
    const std::uint64_t before = received();
    const Result<void> done = attempt();
    if (done) return std::move(*file_).seal();
    if (done.error().kind != ErrorKind::retryable) return pass_on(done.error());
    if (received() > before) patience.reset();
    if (!client_.pause(patience)) return pass_on(done.error());
  }
}

Result<void> S3Download::attempt() {
  S3Request request;
  request.at = object_;
  request.headers.add("x-amz-checksum-mode", "ENABLED");
  const auto etag = headers_.find("ETag");
  const bool is_continued = received() > 0 && etag.has_value();
  if (is_continued) {
    request.headers.add("Range", "bytes=" + std::to_string(received()) + "-");
    request.headers.add("If-Match", std::string(*etag));
  }
  has_begun_ = false;
  request.sink = [this](const HttpResponse& head, std::string_view piece) {
    return take(head, piece);
  };
  const Result<HttpResponse> response = client_.start(std::move(request)).get();
  if (!response) return pass_on(response.error());
  if (is_continued &&
      (response->status == status_changed || response->status == status_no_such_range)) {
    file_.reset();
    return retryable_error("it was changed while it was read");
  }
  if (const std::optional<Error> failure = failure_of(*response)) return pass_on(*failure);
  if (!has_begun_)
    if (Result<void> begun = begin(*response); !begun) return begun;
  if (length_ && received() != *length_) return retryable_error("not all of it came");
  return {};
}

Result<void> S3Download::take(const HttpResponse& head, std::string_view piece) {
  if (!has_begun_)
    if (Result<void> begun = begin(head); !begun) return begun;
  if (received() + piece.size() > bytes_max_) return too_large(received() + piece.size());
  return file_->append(piece);
}

Result<void> S3Download::begin(const HttpResponse& head) {
  has_begun_ = true;
  if (head.status != status_partial) return begin_anew(head);
  if (file_ && begin_of_range(head.headers) == received()) return {};
  file_.reset();
  return retryable_error("the service sent another part of it than it was asked for");
}

Result<void> S3Download::begin_anew(const HttpResponse& head) {
  headers_ = head.headers;
  const auto length = headers_.find("Content-Length");
  length_ = length ? leading_number(*length) : std::nullopt;
  if (length_ && *length_ > bytes_max_) return too_large(*length_);
  Result<MemoryFile::Writer> file = MemoryFile::Writer::create();
  if (!file) return pass_on(file.error());
  file_.emplace(*std::move(file));
  return {};
}

tl::unexpected<Error> S3Download::too_large(std::uint64_t bytes) const {
  return permanent_error(std::to_string(bytes) + " bytes or more; the limit is " +
                         std::to_string(bytes_max_));
}

}  // namespace penstock
