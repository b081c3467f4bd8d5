#include "cli/objects.h"

#include <cstdlib>

#include "engine/backends/s3/s3_listing.h"

namespace penstock {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

bool is_object(std::string_view location) {
  return location.starts_with("s3://");
}

S3Options s3_options(const ObjectOptions& options) {
  S3Options s3;
  s3.endpoint = options.endpoint;
  s3.region = options.region;
  s3.access_key = environment("AWS_ACCESS_KEY_ID");
  s3.secret_key = environment("AWS_SECRET_ACCESS_KEY");
  s3.session_token = environment("AWS_SESSION_TOKEN");
  return s3;
}

Result<S3Blobs*> Objects::s3() {
  const std::lock_guard lock(mutex_);
  if (s3_) return s3_.get();
  try {
    s3_ = std::make_unique<S3Blobs>(s3_options(options_));
  } catch (const FatalError& error) {
    return permanent_error(error.what());
  }
  return s3_.get();
}

Result<BlobStore*> Objects::store_of(const std::string& location) {
  if (!is_object(location)) return &files_;
  const Result<S3Blobs*> store = s3();
  if (!store) return pass_on(store.error());
  return *store;
}

Result<MemoryFile> Objects::read(const std::string& location, std::uint64_t bytes_max) {
  const Result<BlobStore*> store = store_of(location);
  if (!store) return pass_on(store.error());
  return (*store)->read(location, bytes_max);
}

Result<std::string> Objects::read_range(const std::string& location, std::uint64_t offset,
                                        std::size_t bytes) {
  const Result<BlobStore*> store = store_of(location);
  if (!store) return pass_on(store.error());
  return (*store)->read_range(location, offset, bytes);
}

Result<void> Objects::write(const std::string& location, std::string_view bytes) {
  const Result<BlobStore*> store = store_of(location);
  if (!store) return pass_on(store.error());
  return (*store)->write(location, bytes);
}

Result<std::unique_ptr<BlobWriter>> Objects::begin(const std::string& location) {
  const Result<BlobStore*> store = store_of(location);
  if (!store) return pass_on(store.error());
  return (*store)->begin(location);
}

Result<void> Objects::remove(const std::string& location) {
  const Result<BlobStore*> store = store_of(location);
  if (!store) return pass_on(store.error());
  return (*store)->remove(location);
}

std::optional<SourceStamp> Objects::stamp_of(const std::string& location) {
  if (!is_object(location)) return stamp_of_file(location);
  const Result<S3Blobs*> store = s3();
  if (!store) return std::nullopt;
  return (*store)->stamp(location).value_or(std::nullopt);
}

}  // namespace penstock
