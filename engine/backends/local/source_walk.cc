#include "engine/backends/local/source_walk.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <unordered_map>

#include "engine/backends/local/document_key.h"
#include "engine/backends/local/glob.h"
#include "engine/backends/local/local_files.h"
#include "engine/backends/local/manifest.h"
#include "engine/backends/local/path_list.h"

namespace penstock {
namespace {

std::string absolute(const std::string& path) {
  std::string normal = std::filesystem::absolute(path).lexically_normal().string();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

bool is_manifest(const std::string& source) {
  return source.ends_with(".jsonl") || source.ends_with(".ndjson");
}

Claim claim_of(const std::string& path, const SourceStamp& stamp) {
  return {key_of(path), path, {}, stamp};
}

std::unordered_set<std::string> to_set(const std::vector<std::string>& paths) {
  return {paths.begin(), paths.end()};
}

// Every line of a manifest is parsed before any work begins: a bad one is the user's slip, and half
// a backfill is no answer to it. Of two documents under one key, one would be lost without a word.
void validate_manifest(const std::string& path) {
  struct Entry {
    std::string path;
    std::size_t line;
  };
  std::unordered_map<std::string, Entry> entries;  // by key
  std::ifstream lines(path);
  if (!lines) throw FatalError(path + ": cannot be read");
  std::size_t number = 0;
  const auto refuse = [&](const std::string& why) {
    throw FatalError(path + ", line " + std::to_string(number) + ": " + why);
  };
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    const auto entry = parse_manifest_line(line);
    if (!entry) refuse(entry.error().message);
    const auto [first, is_new] = entries.try_emplace(entry->key, Entry{entry->path, number});
    if (!is_new && first->second.path != entry->path)
      refuse("its key is that of another document in line " + std::to_string(first->second.line));
  }
}

}  // namespace

SourceWalk::SourceWalk(SourceWalkOptions options)
    : options_(std::move(options)), leave_out_(to_set(options_.leave_out)) {
  for (const std::string& source : options_.sources) {
    if (source == "-") continue;
    struct stat status;
    if (stat(source.c_str(), &status) != 0)
      throw FatalError(errno == ENOENT ? "no such file or folder: " + source
                                       : source + ": " + std::generic_category().message(errno));
    if (S_ISDIR(status.st_mode)) {
      std::string prefix = key_of(absolute(source));
      if (!prefix.ends_with('/')) prefix += '/';
      folders_.push_back(prefix);
    } else if (is_manifest(source)) {
      validate_manifest(source);
    }
  }
}

SourceWalk::~SourceWalk() = default;

std::optional<Claim> SourceWalk::claim() {
  const bool may_repeat = options_.sources.size() != folders_.size() || folders_.size() > 1;
  while (!closed_ && !ended_) {
    std::optional<Claim> claim = next();
    if (!claim) continue;
    if (may_repeat && !claimed_.insert(claim->key).second) continue;
    return claim;
  }
  return std::nullopt;
}

// One step: a claim, or none while a source is opened or left.
std::optional<Claim> SourceWalk::next() {
  if (!open_folders_.empty()) return next_in_folders();
  if (manifest_) return next_in_manifest();
  if (list_) return next_in_list();
  if (next_source_ == options_.sources.size()) {
    ended_ = true;
    return std::nullopt;
  }
  const std::string& source = options_.sources[next_source_++];
  if (source == "-") {
    list_ = std::make_unique<PathList>(STDIN_FILENO, closed_);
    return std::nullopt;
  }
  const std::string path = absolute(source);
  if (is_manifest(source) && !std::filesystem::is_directory(path)) {
    manifest_.emplace(Manifest{std::ifstream(path), std::filesystem::path(path).parent_path()});
    return std::nullopt;
  }
  return open_path(path);
}

std::optional<Claim> SourceWalk::open_path(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return claim_of(path, {});
  if (S_ISDIR(status.st_mode)) return enter(path, {});
  return claim_of(path, stamp_from(status));
}

std::optional<Claim> SourceWalk::enter(std::string path, std::string relative) {
  DIR* stream = opendir(path.c_str());
  struct stat status {};
  if (stream == nullptr || fstat(dirfd(stream), &status) != 0) {
    // Claimed as if it were a document: it fails when it is read, and so it is counted and named.
    folder_failed_ = true;
    if (stream != nullptr) closedir(stream);
    return claim_of(path, {});
  }
  if (visited_.emplace(status.st_dev, status.st_ino).second) {
    Folder folder{std::move(path), std::move(relative), {}, 0};
    while (const dirent* entry = readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") folder.names.emplace_back(name);
    }
    std::sort(folder.names.begin(), folder.names.end());
    open_folders_.push_back(std::move(folder));
  }
  closedir(stream);
  return std::nullopt;
}

std::optional<Claim> SourceWalk::next_in_folders() {
  Folder& folder = open_folders_.back();
  if (folder.next == folder.names.size()) {
    open_folders_.pop_back();
    return std::nullopt;
  }
  const std::string& name = folder.names[folder.next++];
  const std::string path = (folder.path == "/" ? "" : folder.path) + "/" + name;
  const std::string relative = folder.relative + name;
  if (is_excluded(relative) || leave_out_.contains(path)) return std::nullopt;
  struct stat status;
  if (stat(path.c_str(), &status) != 0)
    return is_wanted(relative) ? std::optional<Claim>(claim_of(path, {})) : std::nullopt;
  if (S_ISDIR(status.st_mode)) return enter(path, relative + "/");
  // Pipes, sockets and devices in a folder are no documents.
  if (!S_ISREG(status.st_mode) || !is_wanted(relative)) return std::nullopt;
  return claim_of(path, stamp_from(status));
}

std::optional<Claim> SourceWalk::next_in_manifest() {
  std::string line;
  while (std::getline(manifest_->lines, line)) {
    if (line.empty()) continue;
    Result<ManifestEntry> entry = parse_manifest_line(line);
    if (!entry) continue;  // the file was valid when the walk began, and has changed
    Claim claim;
    claim.key = std::move(entry->key);
    claim.location = absolute(std::filesystem::path(manifest_->folder) / entry->path);
    claim.metadata = std::move(entry->metadata);
    claim.stamp = stamp_of_file(claim.location).value_or(SourceStamp{});
    return claim;
  }
  manifest_.reset();
  return std::nullopt;
}

std::optional<Claim> SourceWalk::next_in_list() {
  if (const std::optional<std::string> path = list_->next()) return open_path(absolute(*path));
  list_.reset();
  return std::nullopt;
}

bool SourceWalk::is_excluded(const std::string& relative) const {
  return any_glob_matches(options_.exclude, relative);
}

bool SourceWalk::is_wanted(const std::string& relative) const {
  return options_.include.empty() || any_glob_matches(options_.include, relative);
}

}  // namespace penstock
