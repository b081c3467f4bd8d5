// An open PDF: Poppler's document, cross references, decryption and parser, with faster ways to
// what a text extractor asks for most.
//
// Poppler parses an object anew each time it is fetched, and for an object in an object stream all
// others of that stream, too. So object streams are inflated once and read lazily here, and single
// keys of a dictionary are looked up in the file's bytes without making objects of all others.
#pragma once

#include <poppler/Object.h>
#include <poppler/PDFDoc.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/stages/extract/pdf/budget.h"
#include "engine/stages/extract/pdf/byte_buffer.h"
#include "engine/stages/extract/pdf/inflate.h"
#include "engine/stages/extract/pdf/syntax.h"

namespace penstock::pdf {

// One thread. Objects that it returns are Poppler's and must not outlive it.
class Document {
 public:
  // `bytes` stay alive as long as the document. Decrypts with the empty password.
  explicit Document(std::string_view bytes);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  bool is_open() const { return poppler_->isOk(); }
  bool needs_password() const;

  XRef* xref() const { return poppler_->getXRef(); }
  // Null if the document has no optional content.
  auto* groups() const { return poppler_->getOptContentConfig(); }

  // The object, null if there is none: references may dangle.
  Object fetch(Ref ref);
  // The object itself, or what it refers to.
  Object resolve(const Object& object) {
    return object.isRef() ? fetch(object.getRef()) : object.copy();
  }
  Object lookup(const Dict& dictionary, const char* key) {
    return resolve(dictionary.lookupNF(key));
  }
  // Null, too, if `dictionary` is none.
  Object lookup(const Object& dictionary, const char* key) {
    return dictionary.isDict() ? lookup(*dictionary.getDict(), key) : Object(objNull);
  }
  Object element(const Object& array, int index) { return resolve(array.arrayGetNF(index)); }
  // A copy whose references into object streams are replaced by what they refer to, so that Poppler
  // does not fetch them its own way: for font dictionaries.
  Object with_contents(const Object& object);

  // The object's bytes as they stand in the file or in an object stream, from its first byte to
  // wherever its end may be, and 64 KB at most; absent if they cannot be told. Strings in them may
  // be encrypted. Valid until the next call that may read an object stream.
  std::optional<RawValue> peek(Ref ref);

  // Appends the decoded content of a stream, at most stream_bytes_max of it; false if `ref` is no
  // stream or nothing of it can be read.
  bool read_stream(Ref ref, ByteBuffer& out, Warning& warning);
  bool read_stream(const Object& stream, ByteBuffer& out, Warning& warning);

 private:
  // The objects of one object stream (ISO 32000-1, 7.5.7), not parsed.
  struct ObjectStream {
    ByteBuffer content;
    std::vector<std::pair<int, std::size_t>> objects;  // number, place in content
  };

  const ObjectStream* object_stream(int number);
  bool read_object_stream(int number, ObjectStream& stream);
  std::optional<RawValue> peek_in_file(const XRefEntry& entry, Ref ref) const;
  std::optional<RawValue> peek_in_object_stream(const XRefEntry& entry, Ref ref);
  using Contents = std::unordered_map<Ref, Object>;
  Object with_contents(const Object& object, int depth, Contents& known);
  enum class Coding { plain, flate };
  struct RawStream {
    std::span<const Byte> bytes;
    Coding coding;
  };
  std::optional<RawStream> raw_stream(Ref ref);
  bool decode(std::span<const Byte> zlib, ByteBuffer& out, Warning& warning);

  const Byte* begin() const { return reinterpret_cast<const Byte*>(bytes_.data()); }
  const Byte* end() const { return begin() + bytes_.size(); }

  const std::string_view bytes_;
  bool rebuilt_ = false;  // Poppler made the cross references anew, and what was cached is void
  std::unique_ptr<PDFDoc> poppler_;
  Inflater inflater_;
  std::unordered_map<int, std::unique_ptr<ObjectStream>> object_streams_;
  std::size_t object_streams_bytes_ = 0;
};

}  // namespace penstock::pdf
