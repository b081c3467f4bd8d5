#include "engine/http/provider_error.h"

#include <simdjson.h>

#include <algorithm>

namespace penstock {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t shown_bytes_max = 300;
constexpr std::string_view redacted = "[redacted]";
// What is shorter is nobody's secret, but a name for a test, and part of other words.
constexpr std::size_t secret_bytes_min = 4;

std::string text_at(dom::object object, std::string_view name) {
  std::string_view text;
  if (object[name].get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  return {};
}

ProviderError read_object(dom::object object) {
  ProviderError error{text_at(object, "message"), text_at(object, "code"),
                      text_at(object, "param")};
  // A spent quota has its name in the type of some services' errors.
  if (error.code.empty()) error.code = text_at(object, "type");
  if (error.message.empty()) error.message = text_at(object, "detail");
  return error;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '-';
}

std::string without_controls(std::string_view text) {
  std::string line;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool c1 = byte == 0xC2 && at + 1 < text.size() &&
                    static_cast<unsigned char>(text[at + 1]) < 0xA0;  // U+0080 to U+009F
    if (c1) ++at;
    if (byte > ' ' && byte != 0x7F && !c1) {
      line += text[at];
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

void redact(std::string& line, std::string_view secret) {
  if (secret.size() < secret_bytes_min) return;
  for (std::size_t at = line.find(secret); at != std::string::npos;
       at = line.find(secret, at + redacted.size()))
    line.replace(at, secret.size(), redacted);
}

// "sk-" and what a key goes on with, stars and dots included, with which services mask keys.
void redact_keys(std::string& line) {
  constexpr std::string_view start = "sk-";
  for (std::size_t at = line.find(start); at != std::string::npos; at = line.find(start, at)) {
    std::size_t end = at + start.size();
    while (end < line.size() && (is_word(line[end]) || line[end] == '*' || line[end] == '.')) ++end;
    while (line[end - 1] == '.') --end;
    if (at > 0 && is_word(line[at - 1])) {
      at += start.size();  // "risk-free"
    } else {
      line.replace(at, end - at, redacted);
      at += redacted.size();
    }
  }
}

void cut(std::string& line) {
  constexpr std::string_view ellipsis = "...";
  if (line.size() <= shown_bytes_max) return;
  std::size_t end = shown_bytes_max - ellipsis.size();
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  line.resize(end);
  line += ellipsis;
}

}  // namespace

ProviderError read_provider_error(const std::string& body) {
  dom::parser parser;
  dom::element document;
  if (parser.parse(body).get(document) != simdjson::SUCCESS) {
    const bool is_text =
        simdjson::validate_utf8(body) && !body.starts_with('<') && body.find_first_of("{[") != 0;
    return {is_text ? body : "", "", ""};
  }
  dom::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return {};
  dom::element inner;
  if (object["error"].get(inner) != simdjson::SUCCESS) return read_object(object);
  std::string_view text;
  if (inner.get_string().get(text) == simdjson::SUCCESS) return {std::string(text), "", ""};
  if (inner.get_object().get(object) == simdjson::SUCCESS) return read_object(object);
  return {};
}

std::string presentable(std::string_view text, const std::vector<std::string_view>& secrets) {
  std::string line = without_controls(text);
  // Longest first: a secret may hold another.
  std::vector<std::string_view> by_length = secrets;
  std::ranges::sort(by_length, std::ranges::greater{}, &std::string_view::size);
  for (const std::string_view secret : by_length) redact(line, secret);
  redact_keys(line);
  cut(line);
  return line;
}

}  // namespace penstock
