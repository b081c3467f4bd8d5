// The objects of the emulated store: in memory, or files of a folder.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/md5.h"

namespace penstock {

struct StoredObject {
  std::uint64_t bytes = 0;
  std::time_t modified = 0;
  // Of the content, and quoted. Empty: of a file that nobody asked for yet.
  std::string etag;
  std::string checksum_sha256;                 // as it was sent with the content, or empty
  std::shared_ptr<const std::string> content;  // null: in a file
};

using StoredBucket = std::map<std::string, StoredObject>;

// One thread.
class S3Objects {
 public:
  // With a folder, each of its subfolders is a bucket and each file below it an object; what is
  // written goes there, too. Throws FatalError if there is no such folder. `buckets` are all there
  // are; without any, besides the folder's, one is made when something is written to it.
  S3Objects(std::string folder, const std::vector<std::string>& buckets);

  // Null if it does not exist.
  const StoredBucket* bucket(const std::string& name) const;
  // Whether it exists now.
  bool make_bucket(const std::string& name);
  // Null if it does not exist. Its ETag is known.
  const StoredObject* find(const std::string& bucket, const std::string& key);
  // Of an object that was found; absent if its file went away.
  std::optional<std::string> content(const std::string& bucket, const std::string& key,
                                     std::uint64_t begin, std::uint64_t bytes);
  // False if the folder cannot take it: a key that is no path, say. The bucket exists.
  bool put(const std::string& bucket, const std::string& key, StoredObject object);
  void remove(const std::string& bucket, const std::string& key);

 private:
  void index_files();
  std::string path_of(const std::string& bucket, const std::string& key) const;

  const std::string folder_;  // empty: in memory
  bool makes_buckets_ = true;
  std::map<std::string, StoredBucket> buckets_;
};

// The ETag of what is written in one piece, quoted.
std::string etag_of(const Md5& digest);

}  // namespace penstock
