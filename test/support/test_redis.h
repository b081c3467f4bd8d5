// The Redis servers of a test run, from scripts/services.
#pragma once

#include <csignal>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "test/support/catch.h"

namespace penstock {

// The URL in an environment variable. Without it a user's run passes and says why, CI's fails.
inline std::optional<std::string> redis_for_tests(const char* variable) {
  std::signal(SIGPIPE, SIG_IGN);  // as the program does
  if (const char* const url = std::getenv(variable)) return url;
  if (std::getenv("CI") != nullptr) FAIL(variable << " is not set: use scripts/services run");
  WARN("skipped: " << variable << " is not set; scripts/services run COMMAND sets it");
  return std::nullopt;
}

// A name that no other run uses.
inline std::string unique_name() {
  static int count = 0;
  std::random_device random;
  return "test-" + std::to_string(random()) + "-" + std::to_string(count++);
}

}  // namespace penstock
