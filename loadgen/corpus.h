// The documents of a run: made ones, each with text of its own, or files of a folder. Handed out as
// parts that all uploads share, so that a thousand of 10 MB under way cost no memory of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/content.h"
#include "loadgen/profile.h"

namespace penstock {

class Corpus {
 public:
  // Throws FatalError for a folder that cannot be read, or has no file.
  Corpus(const std::vector<DocumentKind>& kinds, std::uint64_t seed);
  ~Corpus();
  Corpus(const Corpus&) = delete;
  Corpus& operator=(const Corpus&) = delete;

  // The same for the same seed, kind and number, on every machine. Microseconds; the corpus
  // outlives it. Its phrase, of a made one, are four words that no other document has, in each of
  // its chunks. Any thread.
  Content content(std::uint64_t number, std::uint32_t kind) const;

  // What a reader finds in a made document, line by line. Of a file: nothing.
  std::string text_of(std::uint64_t number, std::uint32_t kind) const;
  // Of a made document. 0: a file of a folder, whose pages nobody counted.
  std::uint32_t pages_of(std::uint32_t kind) const;

 private:
  class Kind;
  class Made;
  class Folder;
  struct Shared;

  const std::uint64_t seed_;
  const std::unique_ptr<const Shared> shared_;
  std::vector<std::unique_ptr<const Kind>> kinds_;
};

}  // namespace penstock
