// What a call of the file system says when it fails. For this folder only.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "engine/core/error.h"

namespace penstock {

// Retryable if it may pass: a disk that is full, too many open files.
inline tl::unexpected<Error> cannot(const char* what, int code) {
  const std::string message =
      std::string("cannot ") + what + ": " + std::generic_category().message(code);
  const bool may_pass = code == ENOSPC || code == EDQUOT || code == EIO || code == EMFILE ||
                        code == ENFILE || code == EINTR;
  return may_pass ? retryable_error(message) : permanent_error(message);
}

}  // namespace penstock
