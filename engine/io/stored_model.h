// A vector store holds the vectors of one model: how it names that one, and refuses another.
#pragma once

#include <cstddef>
#include <string>

namespace penstock {

inline std::string description_of_model(const std::string& model, std::size_t dimensions) {
  return model + " " + std::to_string(dimensions);
}

inline std::string refusal_of_model(const std::string& stored, const std::string& wanted) {
  return "holds vectors of " + stored + ", not of " + wanted +
         "; use that --embedder, or another --store";
}

}  // namespace penstock
