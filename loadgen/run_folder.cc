#include "loadgen/run_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "engine/core/error.h"

namespace penstock {

namespace fs = std::filesystem;

RunFolder::RunFolder(bool keep)
    : keep_(keep), path_((fs::temp_directory_path() / "penstock-capacity-XXXXXX").string()) {
  if (mkdtemp(path_.data()) == nullptr)
    throw FatalError(path_ + ": no folder can be made there; TMPDIR names another place");
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  if (!keep_) fs::remove_all(path_, ignored);
}

}  // namespace penstock
