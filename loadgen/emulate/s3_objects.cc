#include "loadgen/emulate/s3_objects.h"

#include <filesystem>
#include <limits>
#include <utility>

#include "engine/backends/local/local_files.h"
#include "engine/core/error.h"
#include "engine/core/sha256.h"

namespace penstock {
namespace {

constexpr std::int64_t nanoseconds = 1'000'000'000;

// Whether a folder can hold it under its name.
bool is_path(std::string_view key) {
  while (!key.empty()) {
    const std::string_view name = key.substr(0, key.find('/'));
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos ||
        name.size() + 1 == key.size())
      return false;
    key.remove_prefix(std::min(key.size(), name.size() + 1));
  }
  return true;
}

}  // namespace

std::string etag_of(const Md5& digest) {
  return '"' + to_hex(digest) + '"';
}

S3Objects::S3Objects(std::string folder, const std::vector<std::string>& buckets)
    : folder_(std::move(folder)), makes_buckets_(buckets.empty()) {
  if (!folder_.empty() && !std::filesystem::is_directory(folder_))
    throw FatalError(folder_ + ": no such folder");
  for (const std::string& name : buckets) buckets_[name];
  if (!folder_.empty()) index_files();
}

void S3Objects::index_files() {
  namespace fs = std::filesystem;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (!entry.is_directory()) continue;
    StoredBucket& bucket = buckets_[entry.path().filename().string()];
    for (const auto& file : fs::recursive_directory_iterator(
             entry.path(), fs::directory_options::skip_permission_denied)) {
      if (!file.is_regular_file()) continue;
      const std::optional<SourceStamp> stamp = stamp_of_file(file.path().string());
      if (!stamp) continue;
      StoredObject& object = bucket[file.path().lexically_relative(entry.path()).string()];
      object.bytes = stamp->bytes;
      object.modified = static_cast<std::time_t>(stamp->modified_ns / nanoseconds);
    }
  }
}

std::string S3Objects::path_of(const std::string& bucket, const std::string& key) const {
  return folder_ + '/' + bucket + '/' + key;
}

const StoredBucket* S3Objects::bucket(const std::string& name) const {
  const auto found = buckets_.find(name);
  return found == buckets_.end() ? nullptr : &found->second;
}

bool S3Objects::make_bucket(const std::string& name) {
  if (buckets_.contains(name)) return true;
  if (!makes_buckets_ || !is_path(name)) return false;
  buckets_[name];
  return true;
}

const StoredObject* S3Objects::find(const std::string& bucket, const std::string& key) {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return nullptr;
  const auto object = found->second.find(key);
  if (object == found->second.end()) return nullptr;
  if (object->second.etag.empty()) {
    const std::optional<std::string> bytes = content(bucket, key, 0, object->second.bytes);
    if (!bytes) return nullptr;
    object->second.etag = etag_of(md5(*bytes));
  }
  return &object->second;
}

std::optional<std::string> S3Objects::content(const std::string& bucket, const std::string& key,
                                              std::uint64_t begin, std::uint64_t bytes) {
  const StoredObject& object = buckets_.at(bucket).at(key);
  if (object.content) return object.content->substr(begin, bytes);
  const Result<MemoryFile> file =
      LocalFiles().read(path_of(bucket, key), std::numeric_limits<std::uint64_t>::max());
  if (!file || file->bytes().size() != object.bytes) return std::nullopt;
  return std::string(file->bytes().substr(begin, bytes));
}

bool S3Objects::put(const std::string& bucket, const std::string& key, StoredObject object) {
  if (!folder_.empty()) {
    if (!is_path(key) || !LocalFiles().write(path_of(bucket, key), *object.content)) return false;
    object.content.reset();
  }
  buckets_.at(bucket)[key] = std::move(object);
  return true;
}

void S3Objects::remove(const std::string& bucket, const std::string& key) {
  if (!folder_.empty() && is_path(key)) LocalFiles().remove(path_of(bucket, key));
  buckets_.at(bucket).erase(key);
}

}  // namespace penstock
