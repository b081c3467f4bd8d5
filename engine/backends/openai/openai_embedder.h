// `openai:`, any service that speaks OpenAI's embedding protocol: OpenAI, Azure, vLLM, TEI, Ollama.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/openai/api_keys.h"
#include "engine/backends/openai/embedding_request.h"
#include "engine/backends/openai/endpoint.h"
#include "engine/http/http_client.h"
#include "engine/io/embedder.h"

namespace penstock {

struct OpenAiOptions {
  // /embeddings is added to it; a query stays. One with ?api-version= is Azure's: the key is sent
  // as `api-key` instead of `Authorization: Bearer`.
  std::string base_url = "https://api.openai.com/v1";
  std::string model = "text-embedding-3-small";
  // 0: the model's own, which is known for OpenAI's models and else learned from one request.
  std::size_t dimensions = 0;
  // Asks for `dimensions` in every request (OpenAI's 3-models cut their vectors); else they are
  // what the model is said to have.
  bool send_dimensions = false;
  PackLimits limits;
  HttpClientOptions http;
  std::vector<ApiKey> keys;  // Grant::key counts them; none: no key is sent
};

class OpenAiEmbedder final : public Embedder {
 public:
  // Sends one tiny request with the first key if the dimension is not known, and waits for it.
  // Throws FatalError if that fails, or if the options make no sense.
  explicit OpenAiEmbedder(OpenAiOptions options);

  // "openai:MODEL/DIMENSIONS": without the address, so that the same model elsewhere (a proxy,
  // another region) embeds nothing again.
  std::string model() const override;
  std::size_t dimensions() const override { return dimensions_; }
  PackLimits limits() const override { return options_.limits; }

  // Vectors are asked for as base64. A service that refuses that gets the same request once more
  // with plain numbers, inside this call, and so does every later one; this happens until one
  // base64 request has succeeded and never after. `done` is called on the HTTP client's thread, but
  // at once for no inputs, which need no request.
  void embed(std::vector<std::string_view> inputs, std::size_t key, Done done) override;

 private:
  enum class Encoding : std::uint8_t { untried, base64, floats };

  struct Call;
  void send(Call call);
  void finish(Call call, Result<HttpResponse> result);
  void report(const Call& call, Embedding embedding);
  Embedding embedding_of(const Call& call, HttpResponse& response);
  Embedding refusal_of(const HttpResponse& response) const;
  bool settle_on_floats(const Call& call, const HttpResponse& response);
  std::string message_about(std::string_view what) const;
  std::size_t learn_dimensions();

  const OpenAiOptions options_;
  const Endpoint endpoint_;
  std::vector<std::string_view> secrets_;  // of options_.keys
  std::size_t dimensions_ = 0;             // constant after construction
  std::atomic<Encoding> encoding_ = Encoding::untried;
  std::atomic<bool> has_embedded_ = false;
  HttpClient client_;  // last: its thread uses the rest
};

}  // namespace penstock
