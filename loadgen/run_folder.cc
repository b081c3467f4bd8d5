#include "loadgen/run_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "engine/core/error.h"

namespace penstock {

RunFolder::RunFolder(const std::string& prefix, bool keep)
    : keep_(keep), path_((std::filesystem::temp_directory_path() / (prefix + "XXXXXX")).string()) {
  if (mkdtemp(path_.data()) == nullptr)
    throw FatalError(path_ + ": no folder can be made there; TMPDIR names another place");
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  if (!keep_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace penstock
