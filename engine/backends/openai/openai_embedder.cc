#include "engine/backends/openai/openai_embedder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <ctime>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "engine/backends/openai/embedding_response.h"
#include "engine/backends/openai/provider_limits.h"
#include "engine/http/provider_error.h"

namespace penstock {
namespace {

std::size_t known_dimensions(std::string_view model) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 3> models = {{
      {"text-embedding-3-small", 1536},
      {"text-embedding-3-large", 3072},
      {"text-embedding-ada-002", 1536},
  }};
  for (const auto& [name, dimensions] : models)
    if (name == model) return dimensions;
  return 0;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Out of credit, which no waiting mends.
bool is_about_credit(const ProviderError& error) {
  return error.code == "insufficient_quota" || error.code.starts_with("billing");
}

// A request that is malformed for every input alike.
bool is_about_the_model(const ProviderError& error) {
  return error.code == "model_not_found" || error.param == "model" || error.param == "dimensions";
}

Answer answer_of(int status, const ProviderError& error) {
  switch (status) {
    case 400:
    case 413:
    case 422:
      if (is_about_credit(error)) return Answer::key_refused;
      return is_about_the_model(error) ? Answer::misconfigured : Answer::refused_input;
    case 429:
      return is_about_credit(error) ? Answer::key_refused : Answer::rate_limited;
    case 401:
    case 402:
    case 403:
      return Answer::key_refused;
    case 404:
    case 405:
    case 407:
    case 410:
      return Answer::misconfigured;
    case 408:
    case 409:
    case 425:
      return Answer::failed;
    default:
      break;
  }
  if (status >= 500) return Answer::failed;
  // Redirects are not followed: a POST would not survive them, and a secret must not.
  if (status / 100 == 3) return Answer::misconfigured;
  return Answer::nonsense;
}

std::vector<std::string_view> exposed(const std::vector<ApiKey>& keys) {
  std::vector<std::string_view> secrets;
  secrets.reserve(keys.size());
  for (const ApiKey& key : keys) secrets.emplace_back(key.secret.expose());
  return secrets;
}

}  // namespace

struct OpenAiEmbedder::Call {
  std::vector<std::string_view> inputs;
  std::size_t key = 0;
  EmbeddingEncoding encoding = EmbeddingEncoding::base64;
  Done done;
};

OpenAiEmbedder::OpenAiEmbedder(OpenAiOptions options)
    : options_(std::move(options)),
      endpoint_(embeddings_endpoint(options_.base_url)),
      secrets_(exposed(options_.keys)),
      dimensions_(options_.dimensions != 0 ? options_.dimensions
                                           : known_dimensions(options_.model)),
      client_(options_.http) {
  if (options_.model.empty())
    throw FatalError("no embedding model is named: give one, such as text-embedding-3-small");
  if (options_.send_dimensions && options_.dimensions == 0)
    throw FatalError("dimensions are to be asked for, but none are given");
  if (dimensions_ == 0) dimensions_ = learn_dimensions();
}

std::string OpenAiEmbedder::model() const {
  return "openai:" + options_.model + '/' + std::to_string(dimensions_);
}

void OpenAiEmbedder::embed(std::vector<std::string_view> inputs, std::size_t key, Done done) {
  if (inputs.empty()) {
    done({});
    return;
  }
  const EmbeddingEncoding encoding =
      encoding_.load() == Encoding::floats ? EmbeddingEncoding::floats : EmbeddingEncoding::base64;
  send({std::move(inputs), key, encoding, std::move(done)});
}

void OpenAiEmbedder::send(Call call) {
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint_.url;
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json");
  if (!options_.keys.empty()) {
    assert(call.key < options_.keys.size());
    const Secret& secret = options_.keys[call.key].secret;
    if (!secret.empty() && endpoint_.azure) {
      request.headers.add("api-key", secret.expose());
    } else if (!secret.empty()) {
      request.headers.add("Authorization", "Bearer " + secret.expose());
    }
  }
  request.body = embedding_request(
      call.inputs, options_.model, call.encoding,
      options_.send_dimensions ? std::optional(options_.dimensions) : std::nullopt);
  // std::function wants what can be copied.
  auto shared = std::make_shared<Call>(std::move(call));
  client_.send(std::move(request), [this, shared](Result<HttpResponse> result) {
    finish(std::move(*shared), std::move(result));
  });
}

void OpenAiEmbedder::finish(Call call, Result<HttpResponse> result) {
  if (!result) {
    Embedding embedding;
    embedding.receipt.answer =
        result.error().kind == ErrorKind::permanent ? Answer::misconfigured : Answer::failed;
    embedding.message = presentable(result.error().message, secrets_);  // it names the endpoint
    report(call, std::move(embedding));
    return;
  }
  if (settle_on_floats(call, *result)) {
    call.encoding = EmbeddingEncoding::floats;
    send(std::move(call));
    return;
  }
  Embedding embedding = embedding_of(call, *result);
  embedding.receipt.sent_at = result->sent_at;
  report(call, std::move(embedding));
}

// What has worked is not misconfigured: something in between is out of order, and may come back.
void OpenAiEmbedder::report(const Call& call, Embedding embedding) {
  Answer& answer = embedding.receipt.answer;
  if (answer == Answer::embedded) has_embedded_ = true;
  if (answer == Answer::misconfigured && has_embedded_) answer = Answer::failed;
  call.done(std::move(embedding));
}

Embedding OpenAiEmbedder::embedding_of(const Call& call, HttpResponse& response) {
  if (response.status != 200) return refusal_of(response);
  Embedding embedding;
  embedding.receipt.limits = read_provider_limits(200, response.headers, {}, std::time(nullptr));
  const Result<EmbeddingResponse> read =
      read_embedding_response(response.body, call.inputs.size(), dimensions_, embedding.vectors);
  if (!read) {
    embedding.receipt.answer = Answer::nonsense;
    embedding.message = message_about("HTTP 200, but " + read.error().message);
    embedding.vectors.clear();
    return embedding;
  }
  embedding.receipt.tokens = read->tokens;
  if (call.encoding == EmbeddingEncoding::base64) {
    Encoding untried = Encoding::untried;
    encoding_.compare_exchange_strong(untried, Encoding::base64);
  }
  return embedding;
}

Embedding OpenAiEmbedder::refusal_of(const HttpResponse& response) const {
  const ProviderError error = read_provider_error(response.body);
  Embedding embedding;
  embedding.receipt.answer = answer_of(response.status, error);
  embedding.receipt.limits =
      read_provider_limits(response.status, response.headers, error.message, std::time(nullptr));
  std::string what = "HTTP " + std::to_string(response.status);
  if (!error.message.empty()) what += ": " + error.message;
  embedding.message = message_about(what);
  return embedding;
}

// Whether this request is to be made again with plain numbers.
bool OpenAiEmbedder::settle_on_floats(const Call& call, const HttpResponse& response) {
  if (response.status != 400 && response.status != 422) return false;
  if (call.encoding != EmbeddingEncoding::base64 || encoding_.load() == Encoding::base64)
    return false;
  // Servers complain in many shapes, all of which name it.
  if (!contains(response.body, "encoding_format")) return false;
  encoding_.store(Encoding::floats);
  return true;
}

std::string OpenAiEmbedder::message_about(std::string_view what) const {
  return endpoint_.name + ": " + presentable(what, secrets_);
}

std::size_t OpenAiEmbedder::learn_dimensions() {
  std::promise<Embedding> promise;
  embed({"penstock"}, 0,
        [&promise](Embedding embedding) { promise.set_value(std::move(embedding)); });
  const Embedding embedding = promise.get_future().get();
  if (embedding.receipt.answer == Answer::embedded) return embedding.vectors.size();
  throw FatalError("cannot learn how many dimensions " + options_.model +
                   " has; give them, or mend this: " + embedding.message);
}

}  // namespace penstock
