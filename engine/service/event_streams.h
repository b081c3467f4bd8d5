// Server-sent events (the HTML standard, 9.2): who watches a document, or all of a tenant's, is
// told when one gets on.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "engine/io/events.h"
#include "engine/service/call.h"

namespace penstock {

class EventStreams {
 public:
  // `events` outlives it; the server of its calls ends before it. A stream whose caller is not
  // welcome any more ends with its next heartbeat.
  EventStreams(Events& events, std::function<bool(const Caller&)> is_welcome);
  // Ends every stream.
  ~EventStreams();
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  // Answers the call with the caller's documents' events from now on; of one document, if the call
  // names one, and then until it is done. `first`, unless empty, is sent before. Any thread.
  void open(const Call& call, const std::string& first);
  // Ends every stream, and from now on each after its first words. Any thread.
  void close();

 private:
  struct Stream;

  void hear(const DocumentEvent& event);
  void send(const std::shared_ptr<Stream>& stream, std::string text);
  void beat(const std::shared_ptr<Stream>& stream);
  static void end(Stream& stream);

  const std::function<bool(const Caller&)> is_welcome_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::list<std::shared_ptr<Stream>> streams_;
  bool is_closed_ = false;

  std::unique_ptr<Subscription> subscription_;  // last: it ends first
};

// An event in the stream's format. `data` is one line.
std::string event_text(std::string_view name, std::string_view data);

}  // namespace penstock
