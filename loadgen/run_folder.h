// A folder of a run's own, which goes away with it.
#pragma once

#include <string>

namespace penstock {

class RunFolder {
 public:
  // Below TMPDIR, named `prefix` and some letters. Throws FatalError. `keep`: it stays.
  RunFolder(const std::string& prefix, bool keep);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  const bool keep_;
  std::string path_;
};

}  // namespace penstock
