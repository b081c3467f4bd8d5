#include "engine/http/aws_signature.h"

#include <ctime>
#include <utility>

#include "engine/core/sha256.h"
#include "engine/core/uri.h"

namespace penstock {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

// Without blanks around it, and with one where there are several.
std::string canonical_value(std::string_view value) {
  std::string canonical;
  for (const char c : value)
    if (c != ' ' || (!canonical.empty() && canonical.back() != ' ')) canonical += c;
  if (canonical.ends_with(' ')) canonical.pop_back();
  return canonical;
}

// Sorted by what is written, which is not the order of what is meant.
std::string canonical_query(const std::map<std::string, std::string>& query) {
  std::map<std::string, std::string> parameters;
  for (const auto& [name, value] : query) parameters.emplace(uri_encoded(name), uri_encoded(value));
  std::string canonical;
  for (const auto& [name, value] : parameters)
    canonical.append(canonical.empty() ? "" : "&").append(name).append("=").append(value);
  return canonical;
}

std::string names_of(const std::map<std::string, std::string>& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names.append(names.empty() ? "" : ";").append(name);
  return names;
}

std::string canonical_request(const AwsSigned& what) {
  std::string text =
      what.method + '\n' + uri_encoded(what.path, "/") + '\n' + canonical_query(what.query) + '\n';
  for (const auto& [name, value] : what.headers) text += name + ':' + canonical_value(value) + '\n';
  return text + '\n' + names_of(what.headers) + '\n' + what.payload_hash;
}

// The date is the time's.
std::string scope_of(const AwsSigned& what) {
  return what.time.substr(0, 8) + '/' + what.region + '/' + what.service + "/aws4_request";
}

std::string spelled(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[] = "20130524T000000Z";
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc)};
}

std::string host_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  return std::string(url.substr(0, url.find_first_of("/?")));
}

}  // namespace

std::string aws_signature(const AwsSigned& what, std::string_view secret_key) {
  const std::string to_sign = std::string(algorithm) + '\n' + what.time + '\n' + scope_of(what) +
                              '\n' + to_hex(sha256(canonical_request(what)));
  Sha256 key = hmac_sha256("AWS4" + std::string(secret_key), what.time.substr(0, 8));
  for (const std::string_view part : {std::string_view(what.region), std::string_view(what.service),
                                      std::string_view("aws4_request"), std::string_view(to_sign)})
    key = hmac_sha256(view_of(key), part);
  return to_hex(key);
}

void aws_sign(HttpRequest& request, std::string path, std::map<std::string, std::string> query,
              const AwsCredentials& credentials, std::chrono::system_clock::time_point now) {
  AwsSigned what{
      request.method, std::move(path),    std::move(query),   {}, to_hex(sha256(request.body)),
      spelled(now),   credentials.region, credentials.service};
  request.headers.add("Host", host_of(request.url));
  request.headers.add("x-amz-date", what.time);
  request.headers.add("x-amz-content-sha256", what.payload_hash);
  if (!credentials.session_token.empty())
    request.headers.add("x-amz-security-token", credentials.session_token);
  for (const auto& [name, value] : request.headers) what.headers.emplace(lower_case(name), value);
  request.headers.add("Authorization",
                      std::string(algorithm) + " Credential=" + credentials.access_key + '/' +
                          scope_of(what) + ",SignedHeaders=" + names_of(what.headers) +
                          ",Signature=" + aws_signature(what, credentials.secret_key));
}

}  // namespace penstock
