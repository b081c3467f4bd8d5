#include "loadgen/feed.h"

#include <utility>

namespace penstock {

void Feed::put(const std::string& key, Lane lane, Content content) {
  const std::lock_guard lock(mutex_);
  documents_[key] = {std::move(content), lane, false};
  of(lane).keys.push_back(key);
  changed_.notify_all();
}

std::optional<Claim> Feed::take(Lane lane) {
  std::unique_lock lock(mutex_);
  Waiting& waiting = of(lane);
  changed_.wait(lock, [&] { return waiting.is_closed || !waiting.keys.empty(); });
  if (waiting.is_closed) return std::nullopt;
  Claim claim;
  claim.key = std::move(waiting.keys.front());
  claim.location = claim.key;
  waiting.keys.pop_front();
  Document& document = documents_.at(claim.key);
  document.is_taken = true;
  claim.stamp.bytes = document.content.bytes;
  return claim;
}

void Feed::give_back(const Claim& claim, Lane lane) {
  const std::lock_guard lock(mutex_);
  documents_.at(claim.key).is_taken = false;
  of(lane).keys.push_front(claim.key);
  changed_.notify_all();
}

void Feed::ended(const Claim& claim) {
  const std::lock_guard lock(mutex_);
  documents_.erase(claim.key);
}

void Feed::close(Lane lane) {
  const std::lock_guard lock(mutex_);
  of(lane).is_closed = true;
  changed_.notify_all();
}

void Feed::abandon(Error why) {
  const std::lock_guard lock(mutex_);
  abandoned_ = std::move(why);
}

Result<BrokerState> Feed::state() {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return pass_on(*abandoned_);
  BrokerState state;
  for (const auto& [key, document] : documents_) {
    LaneDepth& depth = state.of(document.lane);
    ++(document.is_taken ? depth.leased : depth.waiting);
  }
  return state;
}

Result<std::vector<std::optional<QueuedDocument>>> Feed::find(std::span<const std::string> keys) {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return pass_on(*abandoned_);
  std::vector<std::optional<QueuedDocument>> found(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto place = documents_.find(keys[i]);
    if (place == documents_.end()) continue;
    found[i].emplace();
    found[i]->lane = place->second.lane;
    found[i]->state =
        place->second.is_taken ? QueuedDocument::State::leased : QueuedDocument::State::waiting;
  }
  return found;
}

Result<MemoryFile> Feed::Contents::read(const std::string& location, std::uint64_t bytes_max) {
  Content content;
  {
    const std::lock_guard lock(feed_.mutex_);
    const auto place = feed_.documents_.find(location);
    if (place == feed_.documents_.end()) return permanent_error("has ended");
    content = place->second.content;  // its parts, not what they show
  }
  if (content.bytes > bytes_max)
    return permanent_error(std::to_string(content.bytes) + " bytes; the limit is " +
                           std::to_string(bytes_max));
  Result<MemoryFile::Writer> writer = MemoryFile::Writer::create();
  if (!writer) return pass_on(writer.error());
  for (const std::span<const char> part : content.parts)
    if (const auto done = writer->append({part.data(), part.size()}); !done)
      return pass_on(done.error());
  return std::move(*writer).seal();
}

Result<void> Feed::Contents::write(const std::string&, std::string_view) {
  return permanent_error("is only read");
}

Result<std::unique_ptr<BlobWriter>> Feed::Contents::begin(const std::string&) {
  return permanent_error("is only read");
}

Result<void> Feed::Contents::remove(const std::string&) {
  return permanent_error("is only read");
}

}  // namespace penstock
