#include "loadgen/emulate/s3_signature.h"

#include <fmt/format.h>

#include <ctime>
#include <vector>

#include "engine/core/sha256.h"
#include "engine/http/aws_signature.h"

namespace penstock {
namespace {

constexpr std::chrono::minutes skew_max{15};
constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

struct Authorization {
  std::string access_key;
  std::string date;
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;
  std::string signature;
};

std::optional<Authorization> parse_authorization(std::string_view header) {
  if (!header.starts_with(algorithm)) return std::nullopt;
  header.remove_prefix(algorithm.size());
  std::map<std::string, std::string> fields;
  for (const std::string& field : split(header, ',')) {
    const std::string_view pair = without_blanks(field);
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos) return std::nullopt;
    fields.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  const std::vector<std::string> scope = split(fields["Credential"], '/');
  if (fields.size() != 3 || scope.size() != 5 || scope[4] != "aws4_request" ||
      fields["SignedHeaders"].empty() || fields["Signature"].empty())
    return std::nullopt;
  return Authorization{
      scope[0],           scope[1], scope[2], scope[3], split(fields["SignedHeaders"], ';'),
      fields["Signature"]};
}

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
  std::tm time{};
  const char* const rest = strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &time);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&time));
}

S3Refusal denied(std::string message) {
  return {403, "AccessDenied", std::move(message)};
}

std::optional<S3Refusal> refuse_payload(const std::string& hash, const std::string& body) {
  if (hash.empty())
    return S3Refusal{400, "InvalidRequest",
                     "Missing required header for this request: x-amz-content-sha256"};
  if (hash.starts_with("STREAMING-"))
    return S3Refusal{501, "NotImplemented", "Chunks that are signed one by one are not emulated."};
  if (hash != "UNSIGNED-PAYLOAD" && hash != to_hex(sha256(body)))
    return S3Refusal{
        400, "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed."};
  return std::nullopt;
}

}  // namespace

std::optional<S3Refusal> refuse_signature(const ServedRequest& request, const S3Target& target,
                                          const S3Credentials& credentials,
                                          std::chrono::system_clock::time_point now) {
  const auto header = [&](std::string_view name) {
    return std::string(request.headers.find(name).value_or(""));
  };
  const std::string said = header("authorization");
  if (said.empty()) return denied("Access Denied");
  const std::optional<Authorization> authorization = parse_authorization(said);
  if (!authorization || authorization->service != "s3")
    return S3Refusal{400, "AuthorizationHeaderMalformed",
                     "The authorization header that you provided is not valid."};
  if (authorization->region != credentials.region)
    return S3Refusal{400, "AuthorizationHeaderMalformed",
                     fmt::format("The authorization header is malformed; the region '{}' is wrong; "
                                 "expecting '{}'",
                                 authorization->region, credentials.region)};
  if (authorization->access_key != credentials.access_key)
    return S3Refusal{403, "InvalidAccessKeyId",
                     "The AWS Access Key Id you provided does not exist in our records."};
  if (header("x-amz-security-token") != credentials.session_token)
    return S3Refusal{400, "InvalidToken", "The provided token is malformed or otherwise invalid."};
  const std::string time = header("x-amz-date");
  const auto when = parse_time(time);
  if (!when || !time.starts_with(authorization->date))
    return denied("AWS authentication requires a valid Date or x-amz-date header");
  if (*when > now + skew_max || *when < now - skew_max)
    return S3Refusal{403, "RequestTimeTooSkewed",
                     "The difference between the request time and the server's time is too large."};

  AwsSigned what{request.method,
                 target.path,
                 target.query,
                 {},
                 header("x-amz-content-sha256"),
                 time,
                 authorization->region,
                 authorization->service};
  for (const std::string& name : authorization->signed_headers)
    if (const auto value = request.headers.find(name)) what.headers.emplace(name, *value);
  for (const auto& [name, value] : request.headers)
    if ((lower_case(name).starts_with("x-amz-") || lower_case(name) == "host") &&
        !what.headers.contains(lower_case(name)))
      return denied("There were headers present in the request which were not signed");
  // A name that was signed and did not arrive leaves the two sides with different headers.
  if (what.headers.size() != authorization->signed_headers.size() ||
      aws_signature(what, credentials.secret_key) != authorization->signature)
    return S3Refusal{403, "SignatureDoesNotMatch",
                     "The request signature we calculated does not match the signature you "
                     "provided. Check your key and signing method."};
  return refuse_payload(what.payload_hash, request.body);
}

}  // namespace penstock
