#include "engine/backends/sqlite/write_turn.h"

#include <fcntl.h>

#include <cerrno>

namespace penstock {

WriteTurn::WriteTurn(const std::string& path)
    : fd_(open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (!fd_)
    throw FatalError(path +
                     ": cannot be written; check the permissions of the file and its folder");
}

void WriteTurn::set(bool is_mine) {
  struct flock lock {};
  lock.l_type = is_mine ? F_WRLCK : F_UNLCK;
  lock.l_whence = SEEK_SET;
  // Of the open file, not of the process: two connections of one process wait for each other. A
  // file system that has no locks has no turns either, and SQLite says so itself.
  while (fcntl(fd_.get(), F_OFD_SETLKW, &lock) != 0 && errno == EINTR) {
  }
}

}  // namespace penstock
