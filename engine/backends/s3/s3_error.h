// What an object store says went wrong, in words that say what to do.
#pragma once

#include <optional>
#include <string>

#include "engine/core/error.h"
#include "engine/http/http_client.h"

namespace penstock {

// Absent for a success (2xx). Retryable if the service is busy or broken, or if the request did not
// arrive as it was sent; misconfigured if it refuses the credentials; else permanent.
std::optional<Error> failure_of(const HttpResponse& response);

// What the service calls it, such as NoSuchBucket; empty for a success, and if it has no name.
std::string error_code_of(const HttpResponse& response);

// Only a success passes.
Result<HttpResponse> checked(Result<HttpResponse> response);

}  // namespace penstock
