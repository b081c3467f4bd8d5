#include "loadgen/emulate/embeddings_request.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace penstock {
namespace {

using Element = simdjson::dom::element;
using Array = simdjson::dom::array;

constexpr std::size_t other_model_dimensions = 1'536;
constexpr std::size_t other_model_dimensions_max = 4'096;
constexpr std::size_t model_name_bytes_max = 256;

tl::unexpected<ApiError> refuse(std::string message, std::optional<std::string> param = {},
                                std::optional<std::string> code = {}) {
  return tl::unexpected<ApiError>(
      {400, std::move(message), "invalid_request_error", std::move(param), std::move(code)});
}

tl::unexpected<ApiError> refuse_input() {
  return refuse(
      "'$.input' is invalid. Please check the API reference: "
      "https://platform.openai.com/docs/api-reference.");
}

tl::unexpected<ApiError> refuse_tokens(std::uint64_t tokens) {
  return tl::unexpected<ApiError>(
      {400,
       fmt::format("Requested {} tokens, max {} tokens per request", tokens, request_tokens_max),
       "max_tokens_per_request", std::nullopt, "max_tokens_per_request"});
}

// Collects the inputs, then what they cost: what is far too much is not worth counting.
class InputReader {
 public:
  InputReader(EmbeddingsRequest& request, const Tokenizer& tokenizer)
      : request_(request), tokenizer_(tokenizer) {}

  tl::expected<void, ApiError> read(Element input) {
    if (!collect(input)) return refuse_input();
    const std::uint64_t estimated = (text_bytes_ + 3) / 4;
    if (estimated > request_tokens_max) return refuse_tokens(estimated);
    for (std::size_t i = 0; i < request_.inputs.size(); ++i) {
      const std::uint64_t tokens =
          token_ids_[i] > 0 ? token_ids_[i] : tokenizer_.count(request_.inputs[i]);
      if (tokens > input_tokens_max)
        return refuse(
            fmt::format("This model's maximum context length is {} tokens, however you requested "
                        "{} tokens ({} in your prompt; 0 for the completion). Please reduce your "
                        "prompt; or completion length.",
                        input_tokens_max, tokens, tokens));
      request_.tokens += tokens;
    }
    if (request_.tokens > request_tokens_max) return refuse_tokens(request_.tokens);
    return {};
  }

 private:
  // False: it is no input.
  bool collect(Element input) {
    std::string_view text;
    if (input.get(text) == simdjson::SUCCESS) return add_text(text);
    Array array;
    if (input.get(array) != simdjson::SUCCESS || array.begin() == array.end()) return false;
    const Element first = *array.begin();
    if (first.is_number()) return add_tokens(array);
    // All strings, or all lists of token ids.
    for (const Element element : array) {
      if (request_.inputs.size() == request_inputs_max) return false;
      Array tokens;
      const bool added = first.is_string()
                             ? element.get(text) == simdjson::SUCCESS && add_text(text)
                             : element.get(tokens) == simdjson::SUCCESS && add_tokens(tokens);
      if (!added) return false;
    }
    return true;
  }

  bool add_text(std::string_view text) {
    text_bytes_ += text.size();
    request_.inputs.emplace_back(text);
    token_ids_.push_back(0);
    return !text.empty();
  }

  bool add_tokens(Array array) {
    std::vector<std::uint32_t> tokens;
    for (const Element element : array) {
      std::uint64_t token = 0;
      if (element.get(token) != simdjson::SUCCESS ||
          token > std::numeric_limits<std::uint32_t>::max())
        return false;
      tokens.push_back(static_cast<std::uint32_t>(token));
    }
    std::optional<std::string> text = tokenizer_.decode(tokens);
    if (!text) return false;
    request_.inputs.push_back(*std::move(text));
    token_ids_.push_back(tokens.size());
    return !tokens.empty();
  }

  EmbeddingsRequest& request_;
  const Tokenizer& tokenizer_;
  std::vector<std::size_t> token_ids_;  // of each input; 0: it came as text
  std::uint64_t text_bytes_ = 0;
};

// The vectors' length, or absent: the model makes none of that length.
std::optional<std::size_t> dimensions_of(std::string_view model,
                                         std::optional<std::uint64_t> asked) {
  const auto* const known = std::ranges::find(embedding_models, model, &EmbeddingModel::name);
  if (known == embedding_models.end()) {
    const std::uint64_t dimensions = asked.value_or(other_model_dimensions);
    if (dimensions < 1 || dimensions > other_model_dimensions_max) return std::nullopt;
    return dimensions;
  }
  const std::uint64_t dimensions = asked.value_or(known->dimensions);
  if (dimensions < known->dimensions_min || dimensions > known->dimensions) return std::nullopt;
  return dimensions;
}

// What stands under the names that a request may have; absent or null: nothing.
struct Fields {
  std::optional<Element> input;
  std::optional<Element> model;
  std::optional<Element> encoding_format;
  std::optional<Element> dimensions;
  std::optional<Element> user;
};

tl::expected<Fields, ApiError> read_fields(simdjson::dom::object object) {
  Fields fields;
  const std::pair<std::string_view, std::optional<Element>*> names[] = {
      {"input", &fields.input},
      {"model", &fields.model},
      {"encoding_format", &fields.encoding_format},
      {"dimensions", &fields.dimensions},
      {"user", &fields.user}};
  for (const auto& [name, value] : object) {
    const auto* const known = std::ranges::find(
        names, name, &std::pair<std::string_view, std::optional<Element>*>::first);
    if (known == std::end(names))
      return refuse(fmt::format("Unrecognized request argument supplied: {}", name));
    if (!value.is_null()) *known->second = value;
  }
  return fields;
}

}  // namespace

tl::expected<EmbeddingsRequest, ApiError> parse_embeddings_request(const std::string& body,
                                                                   const Tokenizer& tokenizer) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(body).get(object) != simdjson::SUCCESS)
    return refuse(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
        "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was "
        "sent was not valid JSON.)");
  const tl::expected<Fields, ApiError> fields = read_fields(object);
  if (!fields) return tl::unexpected<ApiError>(fields.error());

  EmbeddingsRequest request;
  std::string_view model;
  if (!fields->model) return refuse("you must provide a model parameter");
  if (fields->model->get(model) != simdjson::SUCCESS || model.empty() ||
      model.size() > model_name_bytes_max)
    return refuse("invalid model ID", "model");
  request.model = model;

  std::string_view format = "float";
  if (fields->encoding_format && fields->encoding_format->get(format) != simdjson::SUCCESS)
    format = {};
  if (format != "float" && format != "base64")
    return refuse("'encoding_format' is neither 'float' nor 'base64'", "encoding_format");
  request.base64 = format == "base64";

  std::optional<std::uint64_t> asked;
  if (fields->dimensions && fields->dimensions->get(asked.emplace()) != simdjson::SUCCESS)
    return refuse("'dimensions' is not a positive integer", "dimensions");
  const std::optional<std::size_t> dimensions = dimensions_of(model, asked);
  if (!dimensions)
    return refuse(fmt::format("{} makes no vectors of {} dimensions", model, *asked), "dimensions");
  request.dimensions = *dimensions;

  if (!fields->input) return refuse("you must provide an input parameter", "input");
  if (const auto read = InputReader(request, tokenizer).read(*fields->input); !read)
    return tl::unexpected<ApiError>(read.error());
  return request;
}

}  // namespace penstock
