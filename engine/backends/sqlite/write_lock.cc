#include "engine/backends/sqlite/write_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "engine/core/error.h"

namespace penstock {

WriteLock::WriteLock(const std::string& path)
    : fd_(open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (!fd_)
    throw FatalError(path +
                     ": cannot be locked for writing: " + std::generic_category().message(errno) +
                     "; check that its folder exists and may be written");
  if (flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> holder{};
    const ssize_t size = pread(fd_.get(), holder.data(), holder.size() - 1, 0);
    const std::string who =
        size > 0 ? " (process " + std::to_string(std::atol(holder.data())) + ")" : std::string();
    throw FatalError(path + ": in use by another penstock" + who +
                     "; wait for it to finish, or stop it");
  }
  const std::string me = std::to_string(getpid()) + "\n";
  // Only a hint for the message above, so a full disk may spoil it.
  if (ftruncate(fd_.get(), 0) == 0)
    static_cast<void>(pwrite(fd_.get(), me.data(), me.size(), 0) == 0);
}

}  // namespace penstock
