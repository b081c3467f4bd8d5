#include "engine/http/transfer.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string_view>
#include <system_error>
#include <utility>

namespace penstock {
namespace {

using std::chrono::milliseconds;

constexpr long sink_piece_bytes = 256 << 10;

using Url = std::unique_ptr<CURLU, Free<curl_url_cleanup>>;

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

// scheme://host:port, all of a URL that a message may show.
Result<std::string> origin_of(const std::string& url) {
  const Url parsed(curl_url());
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
  if (code != CURLUE_OK)
    return permanent_error(std::string("malformed URL: ") + curl_url_strerror(code));
  const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME);
  const std::string port = url_part(parsed.get(), CURLUPART_PORT);
  std::string origin = scheme + "://" + url_part(parsed.get(), CURLUPART_HOST);
  if (!port.empty()) origin += ":" + port;
  if (scheme != "http" && scheme != "https")
    return permanent_error(origin + ": neither http nor https");
  return origin;
}

// A line break would smuggle in another header.
bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

HeaderList header_list(const HttpRequest& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) {
    std::string line = name;
    line += value.empty() ? ";" : ": " + value;  // the first is how libcurl spells no value
    list = curl_slist_append(list, line.c_str());
  }
  // libcurl adds these two; a body goes out at once, and its type is the caller's business.
  list = curl_slist_append(list, "Expect:");
  if (!request.headers.find("Content-Type")) list = curl_slist_append(list, "Content-Type:");
  return HeaderList(list);
}

std::string in_words(milliseconds time) {
  return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s"
                                  : std::to_string(time.count()) + " ms";
}

// As the system says it, within a sentence.
std::string in_words(long os_error) {
  std::string text = std::generic_category().message(static_cast<int>(os_error));
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

void note(Transfer& transfer, std::size_t bytes) {
  transfer.received_bytes += bytes;
  transfer.received_at = std::chrono::steady_clock::now();
}

bool receive(Transfer& transfer, std::size_t bytes) {
  note(transfer, bytes);
  transfer.is_too_large = transfer.received_bytes > transfer.response_bytes_max;
  return !transfer.is_too_large;
}

std::string stopped(const Transfer& transfer) {
  return transfer.origin + ": the response stopped after " + std::to_string(transfer.body_bytes) +
         " bytes";
}

std::size_t on_read(char* room, std::size_t /*one*/, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string& body = transfer.request.body;
  const std::size_t part = std::min(size, body.size() - transfer.body_read);
  body.copy(room, part, transfer.body_read);
  transfer.body_read += part;
  transfer.response.sent_at = std::chrono::steady_clock::now();
  return part;
}

// libcurl would send a request again by itself when a kept connection ends before the first byte of
// a response. The server may have taken it all the same, and a quota may have been charged: whether
// there is another attempt is for the caller to say, so there is no way back in the body.
// libcurl 8.14 asks for it before the next transfer of the same handle, too, where nothing was
// read.
int on_seek(void* user, curl_off_t offset, int origin) {
  const auto& transfer = *static_cast<const Transfer*>(user);
  const bool is_there = origin == SEEK_SET && offset == 0 && transfer.body_read == 0;
  return is_there ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

// By its status line, such as HTTP/1.1 100 Continue.
bool is_interim(std::string_view status_line) {
  const std::size_t blank = status_line.find(' ');
  return blank != std::string_view::npos && status_line.substr(blank + 1).starts_with('1');
}

// libcurl's callbacks end a transfer by taking another number of bytes than they were given.
std::size_t on_header(char* data, std::size_t /*one*/, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) transfer.is_interim = is_interim(line);
  if (transfer.is_interim) return size;
  if (!receive(transfer, size)) return 0;
  HttpHeaders& headers = transfer.response.headers;
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    headers.add(std::string(without_blanks(line.substr(0, colon))),
                std::string(without_blanks(line.substr(colon + 1))));
  }
  return size;
}

bool is_success(Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return status / 100 == 2;
}

std::size_t pour(Transfer& transfer, std::string_view piece) {
  note(transfer, piece.size());
  const Result<void> taken = transfer.request.sink(transfer.response, piece);
  if (taken) return piece.size();
  transfer.refusal = taken.error();
  return CURL_WRITEFUNC_ERROR;
}

std::size_t on_body(char* data, std::size_t /*one*/, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.body_bytes += size;
  if (transfer.request.sink && is_success(transfer)) return pour(transfer, {data, size});
  if (!receive(transfer, size)) return CURL_WRITEFUNC_ERROR;
  std::string& body = transfer.response.body;
  if (body.empty()) {
    curl_off_t promised = -1;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &promised);
    const auto length = static_cast<std::size_t>(std::max<curl_off_t>(promised, 0));
    transfer.is_too_large = length > transfer.response_bytes_max;
    if (transfer.is_too_large) return CURL_WRITEFUNC_ERROR;
    body.reserve(length + response_spare_bytes);
  }
  body.append(data, size);
  return size;
}

}  // namespace

Result<void> check(Transfer& transfer) {
  Result<std::string> origin = origin_of(transfer.request.url);
  if (!origin) return pass_on(origin.error());
  transfer.origin = std::move(*origin);
  for (const auto& [name, value] : transfer.request.headers)
    if (!is_one_line(name) || !is_one_line(value))
      return permanent_error(transfer.origin + ": a header has a line break");
  return {};
}

void prepare(Transfer& transfer, const HttpClientOptions& options,
             const Certificates& certificates) {
  CURL* easy = transfer.easy.get();
  const HttpRequest& request = transfer.request;
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  // An object store's /a/../b is another one than /b.
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, &transfer);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  // The default of 16 KB is a call for each.
  if (request.sink) curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, sink_piece_bytes);
  transfer.headers = header_list(request);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());

  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // The first of many requests at once shows whether one connection carries them all. Over plain
  // http, where it cannot, the others would wait for its whole response.
  if (transfer.origin.starts_with("https:")) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A name that is still being resolved holds up neither the others nor the end.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  if (certificates.file != nullptr) curl_easy_setopt(easy, CURLOPT_CAINFO, certificates.file);
  // Without a folder libcurl parses the file once and not for each connection.
  curl_easy_setopt(easy, CURLOPT_CAPATH, certificates.folder);

  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error_text.data());
}

tl::unexpected<Error> explain(CURLcode code, const Transfer& transfer,
                              const HttpClientOptions& options) {
  const std::string& origin = transfer.origin;
  if (transfer.refusal) return pass_on(*transfer.refusal);
  if (transfer.is_too_large)
    return permanent_error(origin + ": the response is larger than " +
                           std::to_string(options.response_bytes_max) + " bytes");
  long os_error = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_OS_ERRNO, &os_error);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return permanent_error(origin + ": the certificate is not trusted (" +
                             transfer.error_text.data() +
                             "); SSL_CERT_FILE names a file of those that are");
    case CURLE_SSL_CACERT_BADFILE:
      return permanent_error(origin + ": the file of trusted certificates cannot be read; " +
                             "see SSL_CERT_FILE and SSL_CERT_DIR");
    case CURLE_URL_MALFORMAT:
      return permanent_error(origin + ": malformed URL");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return permanent_error(origin + ": what answers there does not speak HTTP");
    case CURLE_COULDNT_RESOLVE_HOST:
      return retryable_error(origin + ": the host's name could not be resolved");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return retryable_error(origin + ": the proxy's name could not be resolved");
    case CURLE_COULDNT_CONNECT:
      return retryable_error(origin + ": " +
                             (os_error != 0 ? in_words(os_error) : "no connection"));
    case CURLE_OPERATION_TIMEDOUT:
      return retryable_error(origin + ": no connection within " +
                             in_words(options.connect_timeout));
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return retryable_error(transfer.received_bytes > 0
                                 ? stopped(transfer)
                                 : origin + ": the connection was closed without a response");
    default:
      return retryable_error(origin + ": " + curl_easy_strerror(code));
  }
}

tl::unexpected<Error> late(const Transfer& transfer, const HttpClientOptions& options) {
  if (transfer.received_bytes > 0) return retryable_error(stopped(transfer));
  return retryable_error(transfer.origin + ": no response within " +
                         in_words(options.total_timeout));
}

tl::unexpected<Error> cancelled(const Transfer& transfer) {
  return tl::unexpected<Error>(Error{ErrorKind::cancelled, transfer.origin + ": cancelled"});
}

}  // namespace penstock
