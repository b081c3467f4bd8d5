// The sources of a backfill as work: folders, files, manifests, and a list on standard input.
#pragma once

#include <atomic>
#include <cstddef>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/io/work_queue.h"

namespace penstock {

class PathList;

struct SourceWalkOptions {
  // A folder (walked to the bottom, names in order), a file, a manifest (its name ends with .jsonl
  // or .ndjson), or - for paths on standard input, a line each, or NUL-terminated if there is a
  // NUL.
  std::vector<std::string> sources;
  // Globs for what lies in folders, against the path below the folder. No include takes all;
  // exclude wins, and spares folders the walk. Hidden files are files like any other.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // Absolute paths to pass over.
  std::vector<std::string> leave_out;
};

// A folder is walked once, however many symbolic links lead to it, so a loop of links ends. Keys
// are absolute paths, normal by their letters; a byte that is not UTF-8 is written \xNN. Memory is
// that of the folders on the way down; with several sources also of the keys that were claimed,
// since sources may overlap. claim() on one thread; close() from any.
class SourceWalk final : public WorkQueue {
 public:
  // Throws FatalError when a source does not exist or a manifest has a bad line.
  explicit SourceWalk(SourceWalkOptions options);
  ~SourceWalk() override;

  std::optional<Claim> claim() override;
  void acknowledge(const Claim&, Outcome, const std::string&) override {}
  void give_back(const Claim&) override {}
  void close() override { closed_ = true; }

  // Whether everything was claimed, and each folder could be listed.
  bool ended() const { return ended_ && !folder_failed_; }
  // The folders among the sources, as prefixes of their documents' keys.
  const std::vector<std::string>& folders() const { return folders_; }

 private:
  struct Folder {
    std::string path;      // absolute
    std::string relative;  // below its source; empty or ends with /
    std::vector<std::string> names;
    std::size_t next = 0;
  };
  struct Manifest {
    std::ifstream lines;
    std::string folder;  // of the manifest: what its relative paths are relative to
  };

  std::optional<Claim> next();
  std::optional<Claim> next_in_folders();
  std::optional<Claim> next_in_manifest();
  std::optional<Claim> next_in_list();
  // A claim for a file; a folder is entered instead, and gives none.
  std::optional<Claim> open_path(const std::string& path);
  std::optional<Claim> enter(std::string path, std::string relative);
  bool is_wanted(const std::string& relative) const;
  bool is_excluded(const std::string& relative) const;

  const SourceWalkOptions options_;
  const std::unordered_set<std::string> leave_out_;
  std::vector<std::string> folders_;
  std::size_t next_source_ = 0;
  std::vector<Folder> open_folders_;  // from a source down to where the walk is
  std::set<std::pair<std::uint64_t, std::uint64_t>> visited_;  // device and inode of folders
  std::optional<Manifest> manifest_;
  std::unique_ptr<PathList> list_;
  std::unordered_set<std::string> claimed_;  // keys; unused with a single folder
  bool ended_ = false;
  bool folder_failed_ = false;
  std::atomic<bool> closed_{false};
};

}  // namespace penstock
