// An answer of Pinecone's data plane that says what is wrong.
#pragma once

#include <string>

namespace penstock {

struct PineconeError {
  int status = 400;
  int code = 3;  // gRPC's: 3 invalid argument, 5 not found, 8 exhausted, 11 out of range, 13, 14
  std::string message;
};

// {"code":3,"message":"...","details":[]}. What is not UTF-8 in it comes out as U+FFFD.
std::string to_json(const PineconeError& error);

}  // namespace penstock
