// TLS on a connection of hiredis, where hiredis has it (1.0): TLS 1.2 at least, the server's
// certificate checked against the system's authorities (or SSL_CERT_FILE) and its host.
#pragma once

#include "engine/backends/redis/redis_url.h"
#include "engine/core/error.h"

struct redisContext;

namespace penstock {

Result<void> start_redis_tls(redisContext& connection, const RedisAddress& address);

}  // namespace penstock
