#include "engine/service/content.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "engine/core/sha256.h"
#include "engine/core/uri.h"
#include "engine/service/documents.h"

namespace penstock {
namespace {

// What is held of an answer in memory.
constexpr std::uint64_t piece_bytes = 512 << 10;
constexpr std::chrono::seconds link_lifetime_default{3'600};

std::string signature_of(const std::string& id, const LinkClaim& claim, const Secret& secret) {
  const std::string message = claim.tenant + '\n' + id + '\n' + claim.version + '\n' +
                              std::to_string(claim.expires.time_since_epoch().count());
  return to_hex(hmac_sha256(secret.expose(), message));
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (text.empty() || fault != std::errc() || rest != end) return std::nullopt;
  return number;
}

// Whether one of the header's tags is this one, or any (RFC 9110, 13.1.2).
bool names_tag(std::string_view header, std::string_view tag) {
  return header == "*" || header.find(tag) != std::string_view::npos;
}

// Reads and sends piece after piece; nothing is read before the client took what came before.
class Sending : public std::enable_shared_from_this<Sending> {
 public:
  Sending(const ServiceParts& parts, Call call, std::string location, ByteRange range)
      : parts_(parts), call_(std::move(call)), location_(std::move(location)), range_(range) {}

  // The next piece, or why there is none.
  Result<std::string> read() {
    const std::uint64_t bytes = std::min(piece_bytes, range_.last - range_.first + 1);
    Result<std::string> piece = parts_.blobs.read_range(location_, range_.first, bytes);
    if (piece && piece->size() != bytes)
      return permanent_error(location_ + ": is shorter than it was");
    return piece;
  }

  void send(std::string piece) {
    range_.first += piece.size();
    if (range_.first > range_.last) {
      call_.responder().write(std::move(piece));
      return call_.responder().finish();
    }
    call_.responder().write(std::move(piece), [self = shared_from_this()] {
      self->parts_.threads.run(Lane::interactive, [self] { self->go_on(); });
    });
  }

 private:
  void go_on() {
    Result<std::string> piece = read();
    if (piece) return send(*std::move(piece));
    parts_.log(piece.error().message);
    call_.responder().abort();
  }

  const ServiceParts& parts_;
  const Call call_;
  const std::string location_;
  ByteRange range_;  // that is still to be sent
};

HttpHeaders headers_of(const CatalogEntry& entry, const std::string& tag,
                       const std::optional<LinkClaim>& link) {
  HttpHeaders headers = {{"Content-Type", entry.media_type},
                         {"ETag", tag},
                         {"Accept-Ranges", "bytes"},
                         // Somebody else's bytes: nothing in them runs, or is of this origin.
                         {"Content-Security-Policy", "sandbox"},
                         {"Last-Modified", http_date(entry.received)}};
  if (!entry.file_name.empty())
    headers.add("Content-Disposition", "inline; filename*=UTF-8''" + uri_encoded(entry.file_name));
  if (link) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(link->expires - wall_now());
    headers.add("Cache-Control",
                "public, max-age=" + std::to_string(std::max<std::int64_t>(left.count(), 0)) +
                    ", immutable");
  } else {
    headers.add("Cache-Control", "private, no-cache");
  }
  return headers;
}

}  // namespace

void send_content(const ServiceParts& parts, const Call& call) {
  const auto link = verified_link(call.target(), call.id(), parts.link_secret, wall_now());
  const auto entry = entry_of(parts, call);
  if (!entry) return;
  const std::string version = to_hex(entry->digest);
  // A link is to a content, for a cache keeps it under that name.
  if (link && link->version != version) return call.answer(link_refused());
  const std::string tag = '"' + version + '"';
  HttpHeaders headers = headers_of(*entry, tag, link);
  const HttpHeaders& asked = call.head().headers;
  if (names_tag(asked.find("If-None-Match").value_or(""), tag))
    return call.answer(304, std::move(headers), {});

  ByteRange range{0, entry->bytes - 1};
  int status = 200;
  const auto if_range = asked.find("If-Range");
  if (const auto wanted = range_of(asked.find("Range").value_or(""), entry->bytes);
      wanted && (!if_range || *if_range == tag)) {
    if (wanted->first > wanted->last) return call.answer(range_not_satisfiable(entry->bytes));
    range = *wanted;
    status = 206;
    headers.add("Content-Range", "bytes " + std::to_string(range.first) + '-' +
                                     std::to_string(range.last) + '/' +
                                     std::to_string(entry->bytes));
  }
  const std::uint64_t bytes = range.last - range.first + 1;
  if (call.head().method == "HEAD") {
    if (call.begin(status, std::move(headers), bytes)) call.responder().finish();
    return;
  }
  const auto sending = std::make_shared<Sending>(parts, call, entry->location, range);
  Result<std::string> first = sending->read();
  if (!first) return fail(parts, call, first.error());
  if (call.begin(status, std::move(headers), bytes)) sending->send(*std::move(first));
}

void make_link(const ServiceParts& parts, const Call& call, const std::string& body) {
  const auto lifetime = link_lifetime(body);
  if (const auto* problem = std::get_if<Problem>(&lifetime)) return call.answer(*problem);
  const auto entry = entry_of(parts, call);
  if (!entry) return;
  const WallTime expires = wall_now() + std::get<std::chrono::seconds>(lifetime);
  call.answer(200, {{"url", signed_link(*entry, expires, parts.link_secret)},
                    {"expires", text_of(expires)}});
}

std::variant<std::chrono::seconds, Problem> link_lifetime(const std::string& body) {
  if (body.empty()) return link_lifetime_default;
  const Json request = Json::parse(body, nullptr, false);
  if (!request.is_object()) return bad_request("the body is no JSON object");
  const auto found = request.find("expires_in_s");
  if (found == request.end()) return link_lifetime_default;
  if (!found->is_number_integer() || *found < 1 || *found > link_lifetime_max.count())
    return bad_request("expires_in_s is a number of seconds up to 604800");
  return std::chrono::seconds(found->get<std::int64_t>());
}

std::string signed_link(const CatalogEntry& entry, WallTime expires, const Secret& secret) {
  const LinkClaim claim{entry.name.tenant, to_hex(entry.digest), expires};
  return "/v1/documents/" + uri_encoded(entry.name.id) +
         "/content?tenant=" + uri_encoded(claim.tenant) + "&version=" + claim.version +
         "&expires=" + std::to_string(expires.time_since_epoch().count()) +
         "&signature=" + signature_of(entry.name.id, claim, secret);
}

std::optional<LinkClaim> verified_link(const UrlTarget& target, const std::string& id,
                                       const Secret& secret, WallTime now) {
  const auto millis = number_in(target.parameter("expires"));
  const std::string signature = target.parameter("signature");
  if (!millis || *millis > INT64_MAX) return std::nullopt;
  LinkClaim claim{target.parameter("tenant"), target.parameter("version"),
                  WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(*millis)))};
  const std::string ours = signature_of(id, claim, secret);
  if (signature.size() != ours.size() ||
      CRYPTO_memcmp(signature.data(), ours.data(), ours.size()) != 0 || claim.expires <= now)
    return std::nullopt;
  return claim;
}

std::optional<ByteRange> range_of(std::string_view header, std::uint64_t bytes) {
  constexpr std::string_view unit = "bytes=";
  if (!header.starts_with(unit)) return std::nullopt;
  header.remove_prefix(unit.size());
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos)
    return std::nullopt;
  const auto first = number_in(header.substr(0, dash));
  const auto last = number_in(header.substr(dash + 1));
  const ByteRange none{1, 0};
  if (dash == 0) {  // the last so many
    if (!last) return std::nullopt;
    return *last == 0 ? none : ByteRange{bytes - std::min(*last, bytes), bytes - 1};
  }
  if (!first || (!last && dash + 1 < header.size()) || (last && *last < *first))
    return std::nullopt;
  if (*first >= bytes) return none;
  return ByteRange{*first, std::min(last.value_or(bytes - 1), bytes - 1)};
}

}  // namespace penstock
