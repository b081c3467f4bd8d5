#include "engine/backends/s3/s3_walk.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/backends/local/document_key.h"
#include "engine/backends/local/glob.h"
#include "engine/backends/s3/s3_error.h"

namespace penstock {
namespace {

bool covers(const S3Location& outer, const S3Location& inner) {
  return outer.bucket == inner.bucket && inner.key.starts_with(outer.key);
}

}  // namespace

S3Walk::S3Walk(S3Options service, S3WalkOptions options)
    : options_(std::move(options)), client_(std::move(service)) {
  for (const std::string& source : options_.sources) add_source(source);
  if (sources_.empty()) {
    ended_ = true;
  } else {
    ask_for({});
  }
}

void S3Walk::add_source(const std::string& source) {
  const std::optional<S3Location> location = parse_s3_location(source);
  if (!location) throw FatalError(source + ": not a source such as s3://BUCKET/PREFIX");
  if (std::ranges::any_of(sources_, [&](const auto& other) { return covers(other, *location); }))
    return;
  const Result<S3Page> page = list_page(client_, *location, {}, 1);
  if (!page) throw FatalError(source + ": " + page.error().message);
  if (page->objects.empty() && !location->key.empty())
    throw FatalError(source + ": no such object or folder");
  std::erase_if(sources_, [&](const S3Location& other) { return covers(*location, other); });
  sources_.push_back(*location);
}

std::optional<Claim> S3Walk::claim() {
  while (!closed_ && !ended_) {
    if (next_object_ < page_.objects.size()) {
      if (std::optional<Claim> claim = claim_of(page_.objects[next_object_++])) return claim;
      continue;
    }
    if (is_listed_whole_) {
      ended_ = ++listed_ == sources_.size();
      if (ended_) break;
      is_listed_whole_ = false;
      ask_for({});
    }
    Result<S3Page> page = await_page();
    if (closed_) break;
    next_object_ = 0;
    page_ = page ? *std::move(page) : S3Page{};
    is_listed_whole_ = page_.next.empty();
    if (!page) return claim_of_failure();
    if (!is_listed_whole_) ask_for(page_.next);
  }
  return std::nullopt;
}

void S3Walk::ask_for(std::string token) {
  token_ = std::move(token);
  ahead_ = client_.start(listing_request(sources_[listed_], token_, options_.page_objects));
}

Result<S3Page> S3Walk::await_page() {
  S3Patience patience(client_.options());
  for (;;) {
    const Result<HttpResponse> response = checked(ahead_.get());
    Result<S3Page> page = response ? parse_listing(response->body) : pass_on(response.error());
    if (page && !page->next.empty() && page->next == token_)
      page = retryable_error("its listing leads back to where it was");
    if (page || page.error().kind != ErrorKind::retryable || !client_.pause(patience)) return page;
    ask_for(std::move(token_));
  }
}

std::optional<Claim> S3Walk::claim_of(const S3Object& object) const {
  const S3Location& source = sources_[listed_];
  // A service that heeds no prefix would have the whole bucket processed.
  if (object.key.ends_with('/') || !object.key.starts_with(source.key)) return std::nullopt;
  const std::size_t below = source.key.rfind('/') + 1;  // 0 without a slash
  if (!is_wanted(std::string_view(object.key).substr(below))) return std::nullopt;
  std::string location = to_string({source.bucket, object.key});
  return Claim{key_of(location), std::move(location), {}, object.stamp};
}

Claim S3Walk::claim_of_failure() {
  listing_failed_ = true;
  std::string location = to_string(sources_[listed_]);
  if (!location.ends_with('/')) location += '/';  // to be read as a folder, and so to fail
  return {key_of(location), std::move(location), {}, {}};
}

// A folder that is excluded is so with all that lies in it.
bool S3Walk::is_wanted(std::string_view relative) const {
  for (std::size_t end = relative.find('/'); end != std::string_view::npos;
       end = relative.find('/', end + 1))
    if (any_glob_matches(options_.exclude, relative.substr(0, end))) return false;
  if (any_glob_matches(options_.exclude, relative)) return false;
  return options_.include.empty() || any_glob_matches(options_.include, relative);
}

void S3Walk::close() {
  closed_ = true;
  client_.stop();
}

std::vector<std::string> S3Walk::folders() const {
  std::vector<std::string> prefixes;
  for (const S3Location& source : sources_) prefixes.push_back(key_of(to_string(source)));
  return prefixes;
}

}  // namespace penstock
