#include "engine/backends/s3/s3_error.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "engine/http/xml.h"

namespace penstock {
namespace {

constexpr std::size_t message_bytes_max = 200;

// <Code> of the answer, and what is known about it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> words = {{
    {"NoSuchKey", "no such object"},
    {"NoSuchBucket", "no such bucket: check its name, and the endpoint"},
    {"AccessDenied", "access denied: check that the access key may do this in this bucket"},
    {"AllAccessDisabled", "access denied: the bucket is disabled"},
    {"InvalidAccessKeyId",
     "access denied: the service does not know the access key; check AWS_ACCESS_KEY_ID"},
    {"SignatureDoesNotMatch",
     "access denied: the secret does not belong to the access key; check AWS_SECRET_ACCESS_KEY"},
    {"InvalidToken", "access denied: the session token is not valid; check AWS_SESSION_TOKEN"},
    {"ExpiredToken", "access denied: the session token has expired; renew AWS_SESSION_TOKEN"},
    {"RequestTimeTooSkewed",
     "access denied: this machine's clock is more than 15 minutes wrong; set it"},
    {"AuthorizationHeaderMalformed", "the region is wrong; check AWS_REGION"},
    {"PermanentRedirect", "the bucket is in another region, or at another endpoint"},
    {"InvalidObjectState", "the object is archived; restore it first"},
    {"NoSuchUpload", "the upload does not exist any more"},
    {"EntityTooLarge", "larger than the service takes"},
}};

// Of status 400, yet nothing that the request is to blame for.
constexpr std::array<std::string_view, 5> codes_of_the_way = {
    "RequestTimeout", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "InternalError"};

// Of whatever is asked for, until the configuration is changed.
constexpr std::array<std::string_view, 6> codes_of_configuration = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken",
    "ExpiredToken",       "RequestTimeTooSkewed",  "AuthorizationHeaderMalformed"};

std::string_view words_of(std::string_view code, int status) {
  const auto* const known = std::ranges::find(words, code, &decltype(words)::value_type::first);
  if (known != words.end()) return known->second;
  // An answer to HEAD has no body that would name a code.
  if (!code.empty()) return {};
  if (status == 404) return "no such object";
  if (status == 401 || status == 403)
    return "access denied: check the access key, its secret, and what it may do in this bucket";
  if (status == 301 || status == 307) return "the bucket is in another region; check AWS_REGION";
  return {};
}

// As much of what a service says as fits in a line.
std::string one_line(std::string_view text) {
  std::string line(text.substr(0, message_bytes_max));
  // Not within a character.
  while (line.size() < text.size() && !line.empty() &&
         (static_cast<unsigned char>(text[line.size()]) & 0xC0) == 0x80)
    line.pop_back();
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, ' ');
  return line;
}

template <typename Codes>
bool is_among(const Codes& codes, std::string_view code) {
  return std::ranges::find(codes, code) != codes.end();
}

bool may_pass(int status, std::string_view code) {
  return status >= 500 || status == 408 || status == 409 || status == 429 || status == 425 ||
         is_among(codes_of_the_way, code);
}

}  // namespace

std::optional<Error> failure_of(const HttpResponse& response) {
  const int status = response.status;
  // What completes an upload may fail after its status has been sent.
  const bool is_late_error = status == 200 && response.body.find("<Error>") < message_bytes_max;
  if (status / 100 == 2 && !is_late_error) return std::nullopt;

  const Result<XmlElement> said = parse_xml(response.body);
  const bool is_s3 = said && said->name == "Error";
  const std::string code = is_s3 ? one_line(said->text_of("Code")) : std::string();
  std::string message(words_of(code, status));
  if (message.empty()) {
    message = "HTTP " + std::to_string(status);
    if (!code.empty()) message += ' ' + code;
    if (is_s3) message += ": " + one_line(said->text_of("Message"));
  }
  const auto region = response.headers.find("x-amz-bucket-region");
  if (region && status / 100 != 2 && status != 403 && status != 404)
    message += " (it is in " + one_line(*region) + ")";
  const bool is_retryable = is_late_error || (status != 501 && may_pass(status, code));
  const ErrorKind kind = is_retryable                             ? ErrorKind::retryable
                         : is_among(codes_of_configuration, code) ? ErrorKind::misconfigured
                                                                  : ErrorKind::permanent;
  return Error{kind, std::move(message)};
}

std::string error_code_of(const HttpResponse& response) {
  const Result<XmlElement> said = parse_xml(response.body);
  return said && said->name == "Error" ? one_line(said->text_of("Code")) : std::string();
}

Result<HttpResponse> checked(Result<HttpResponse> response) {
  if (!response) return response;
  if (std::optional<Error> failure = failure_of(*response))
    return tl::unexpected<Error>(*std::move(failure));
  return response;
}

}  // namespace penstock
