// Errors in three tiers: Result<T> for what an operation may meet, FatalError for what makes the
// whole command pointless (bad configuration, an unreachable or damaged backend), assert for a
// programmer's mistake. Absence is std::optional, never an error.
#pragma once

#include <stdexcept>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace penstock {

enum class ErrorKind {
  retryable,      // the same call may succeed later: a busy server, a full disk
  permanent,      // the same call will fail again: refused input
  cancelled,      // the caller asked for it
  misconfigured,  // no call will succeed until the configuration is changed: refused credentials
};

struct Error {
  ErrorKind kind = ErrorKind::permanent;
  std::string message;  // one line; names the document or endpoint and says what to do
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> permanent_error(std::string message) {
  return tl::unexpected<Error>(Error{ErrorKind::permanent, std::move(message)});
}

inline tl::unexpected<Error> retryable_error(std::string message) {
  return tl::unexpected<Error>(Error{ErrorKind::retryable, std::move(message)});
}

// An error met further down, as this function's own.
inline tl::unexpected<Error> pass_on(const Error& error) {
  return tl::unexpected<Error>(error);
}

// Thrown at start-up only and caught once, in main, which prints what() as one line and exits 1.
class FatalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace penstock
