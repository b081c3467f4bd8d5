#include "engine/service/event_streams.h"

#include <atomic>
#include <utility>

#include "engine/http/json.h"
#include "engine/service/document_view.h"

namespace penstock {
namespace {

// A client that takes less than what happens is let go; it comes back and asks how things stand.
constexpr std::size_t unsent_bytes_max = 256 << 10;
// Often enough for proxies, which end what is silent for a minute.
constexpr std::chrono::seconds heartbeat{15};

std::string data_of(const DocumentEvent& event, const CatalogName& name) {
  return json_text({{"id", name.id},
                    {"milestone", name_of(event.milestone)},
                    {"at", text_of(event.at)},
                    {"lane", name_of(event.lane)},
                    {"outcome", event.outcome ? Json(name_of(*event.outcome)) : Json()},
                    {"message", event.outcome ? std::string(told(*event.outcome, event.message))
                                              : event.message}});
}

}  // namespace

struct EventStreams::Stream {
  explicit Stream(const Call& its_call) : call(its_call) {}

  bool hears(const CatalogName& name) const {
    return call.caller().tenant == name.tenant && (call.id().empty() || call.id() == name.id);
  }

  const Call call;
  std::atomic<std::size_t> unsent_bytes{0};
  std::atomic<bool> has_ended{false};
};

void EventStreams::end(Stream& stream) {
  stream.has_ended = true;
  stream.call.responder().finish();
}

EventStreams::EventStreams(Events& events, std::function<bool(const Caller&)> is_welcome)
    : is_welcome_(std::move(is_welcome)),
      subscription_(events.subscribe([this](const DocumentEvent& event) { hear(event); })) {}

EventStreams::~EventStreams() {
  subscription_.reset();
  close();
}

void EventStreams::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  for (const std::shared_ptr<Stream>& stream : streams_) end(*stream);
  streams_.clear();
}

void EventStreams::open(const Call& call, const std::string& first) {
  if (!call.begin(200, {{"Content-Type", "text/event-stream"}, {"X-Accel-Buffering", "no"}},
                  std::nullopt))
    return;
  const auto stream = std::make_shared<Stream>(call);
  // A comment says at once that somebody is there.
  send(stream, ": penstock\n\n" + first);
  const std::lock_guard lock(mutex_);
  if (is_closed_) return end(*stream);
  streams_.push_back(stream);
  beat(stream);
}

void EventStreams::hear(const DocumentEvent& event) {
  const auto name = name_of_key(event.key);
  if (!name) return;
  std::string text;
  const std::lock_guard lock(mutex_);
  for (auto it = streams_.begin(); it != streams_.end();) {
    const std::shared_ptr<Stream>& stream = *it;
    if (stream->call.responder().is_over() || stream->has_ended) {
      it = streams_.erase(it);
      continue;
    }
    if (stream->hears(*name)) {
      if (text.empty()) text = event_text("document", data_of(event, *name));
      send(stream, text);
      if (!stream->call.id().empty() && event.milestone == Milestone::done) {
        end(*stream);
      }
    }
    ++it;
  }
}

void EventStreams::send(const std::shared_ptr<Stream>& stream, std::string text) {
  const std::size_t bytes = text.size();
  if (stream->unsent_bytes + bytes > unsent_bytes_max) {
    stream->has_ended = true;
    stream->call.responder().abort();
    return;
  }
  stream->unsent_bytes += bytes;
  stream->call.responder().write(std::move(text),
                                 [stream, bytes] { stream->unsent_bytes -= bytes; });
}

void EventStreams::beat(const std::shared_ptr<Stream>& stream) {
  stream->call.responder().after(heartbeat, [this, stream] {
    const bool is_welcome = is_welcome_(stream->call.caller());
    if (!is_welcome) stream->call.responder().finish();
    if (!is_welcome || stream->has_ended || stream->call.responder().is_over()) {
      const std::lock_guard lock(mutex_);
      std::erase(streams_, stream);
      return;
    }
    send(stream, ":\n\n");
    beat(stream);
  });
}

std::string event_text(std::string_view name, std::string_view data) {
  std::string text = "event: ";
  return text.append(name).append("\ndata: ").append(data).append("\n\n");
}

}  // namespace penstock
