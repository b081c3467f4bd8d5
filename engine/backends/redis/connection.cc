#include "engine/backends/redis/connection.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#ifdef PENSTOCK_REDIS_TLS
#include "engine/backends/redis/redis_tls.h"
#endif

namespace penstock {
namespace {

timeval timeval_of(std::chrono::milliseconds time) {
  return {time.count() / 1000, (time.count() % 1000) * 1000};
}

RedisReply to_reply(const redisReply& from) {
  RedisReply reply;
  switch (from.type) {
    case REDIS_REPLY_INTEGER:
      reply.kind = RedisReply::Kind::integer;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_STRING:
      reply.kind = RedisReply::Kind::text;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_ERROR:
      reply.kind = RedisReply::Kind::error;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = RedisReply::Kind::array;
      reply.elements.reserve(from.elements);
      for (std::size_t i = 0; i < from.elements; ++i)
        reply.elements.push_back(to_reply(*from.element[i]));
      break;
    default:
      break;
  }
  return reply;
}

RedisReply taken(void* raw) {
  RedisReply reply = to_reply(*static_cast<redisReply*>(raw));
  freeReplyObject(raw);
  return reply;
}

// The server's refusal to let us in. It may be starting, which passes.
tl::unexpected<Error> refused(const RedisAddress& address, const std::string& what,
                              const std::string& text) {
  if (text.starts_with("LOADING")) return retryable_error(address.text() + ": " + text);
  return permanent_error(address.text() + ": " + what + ": " + text);
}

}  // namespace

void RedisConnection::Free::operator()(redisContext* context) const {
  redisFree(context);
}

RedisConnection::RedisConnection(Context context, const RedisAddress& address,
                                 const RedisOptions& options)
    : context_(std::move(context)), address_(address), options_(options) {}

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisUrl& url,
                                                               const RedisAddress& address,
                                                               const RedisOptions& options) {
  Context context(redisConnectWithTimeout(address.host.c_str(), address.port,
                                          timeval_of(options.connect_timeout)));
  if (context == nullptr) return retryable_error(address.text() + ": out of memory");
  std::unique_ptr<RedisConnection> connection(
      new RedisConnection(std::move(context), address, options));
  redisContext& raw = *connection->context_;
  if (raw.err != 0)
    return retryable_error(address.text() + ": cannot be reached: " + std::string(raw.errstr));
#ifdef PENSTOCK_REDIS_TLS
  if (url.tls) {
    // Connecting leaves the socket without a timeout, and a server without TLS waits for a line.
    redisSetTimeout(&raw, timeval_of(options.connect_timeout));
    if (auto secured = start_redis_tls(raw, address); !secured) return pass_on(secured.error());
  }
#endif
  redisSetTimeout(&raw, timeval_of(options.command_timeout));
  // A peer that vanished without a word is noticed between commands, too.
  redisEnableKeepAlive(&raw);

  if (!url.password.empty()) {
    const auto answer = url.user.empty() ? connection->ask({"AUTH", url.password})
                                         : connection->ask({"AUTH", url.user, url.password});
    if (!answer) return pass_on(answer.error());
    if (answer->kind == RedisReply::Kind::error)
      return refused(address, "refuses the user or the password of its URL", answer->text);
  }
  if (url.database != 0) {
    const std::string database = std::to_string(url.database);
    const auto answer = connection->ask({"SELECT", database});
    if (!answer) return pass_on(answer.error());
    if (answer->kind == RedisReply::Kind::error)
      return refused(address, "refuses database " + database, answer->text);
  }
  return connection;
}

void RedisConnection::append(std::span<const std::string_view> words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  starts.reserve(words.size());
  sizes.reserve(words.size());
  for (const std::string_view word : words) {
    starts.push_back(word.empty() ? "" : word.data());
    sizes.push_back(word.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), starts.data(),
                         sizes.data());
}

Result<void> RedisConnection::flush() {
  for (int done = 0; done == 0;)
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) return error();
  return {};
}

Result<RedisReply> RedisConnection::read() {
  void* raw = nullptr;
  if (redisGetReply(context_.get(), &raw) != REDIS_OK) return error();
  return taken(raw);
}

Result<std::optional<RedisReply>> RedisConnection::read_within(std::chrono::milliseconds time) {
  // It may have come together with the one before.
  void* raw = nullptr;
  if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) return error();
  if (raw != nullptr) return taken(raw);
  pollfd ready = {context_->fd, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(time.count())) <= 0) return std::nullopt;
  return read();
}

Result<RedisReply> RedisConnection::ask(std::initializer_list<std::string_view> words) {
  append({words.begin(), words.size()});
  if (auto sent = flush(); !sent) return pass_on(sent.error());
  return read();
}

bool RedisConnection::is_closed() const {
  char next = 0;
  const ssize_t count = ::recv(context_->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

tl::unexpected<Error> RedisConnection::error() const {
  if (context_->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
    return retryable_error(address_.text() + ": no answer for " +
                           std::to_string(options_.command_timeout.count()) + " ms");
  return retryable_error(address_.text() + ": the connection broke: " + context_->errstr);
}

}  // namespace penstock
