#include "engine/stages/extract/pdf/document.h"

#include <poppler/Array.h>
#include <poppler/Dict.h>
#include <poppler/ErrorCodes.h>
#include <poppler/Parser.h>
#include <poppler/Stream.h>
#include <poppler/XRef.h>

#include <algorithm>
#include <functional>
#include <limits>

namespace penstock::pdf {
namespace {

// As deep as font dictionaries nest, and far more objects than one has.
constexpr int contents_depth_max = 6;
constexpr std::size_t contents_objects_max = 4'000;

// A dictionary that has no end in a file of many would be read to the end of the file, many times.
constexpr std::ptrdiff_t peek_bytes_max = 64 << 10;

// Producers put some hundred into one; Poppler stops here, too.
constexpr int object_stream_objects_max = 1'000'000;

bool is_flate(const Object& filter) {
  return filter.isName("FlateDecode") || filter.isName("Fl");
}

// Whether an array holds more than numbers and names; /Widths, the longest of a font, does not.
bool has_parts(const Object& array) {
  for (int i = 0; i < array.arrayGetLength(); ++i) {
    const Object& element = array.arrayGetNF(i);
    if (element.isRef() || element.isArray() || element.isDict()) return true;
  }
  return false;
}

// What Poppler's own filters give, in steps.
bool read_all(Stream& stream, std::size_t bytes_max, ByteBuffer& out, Warning& warning) {
  constexpr int step = 65536;
  std::size_t read = 0;
  static_cast<void>(stream.reset());  // later releases say whether it worked; so does what follows
  for (;;) {
    out.reserve_more(step);
    const int got = stream.doGetChars(step, out.room().data());
    if (got <= 0) break;
    out.extend(static_cast<std::size_t>(got));
    read += static_cast<std::size_t>(got);
    if (got < step) break;
    if (read >= bytes_max) {
      warning.set("a stream was cut off at its limit");
      break;
    }
  }
  stream.close();
  return read > 0;
}

// Releases up to 24 take data for a viewer's password dialogue, later ones do not.
template <typename Doc>
std::unique_ptr<Doc> open(std::string_view bytes, const std::function<void()>& rebuilt) {
  const std::optional<GooString> no_password;
  auto* stream =
      new MemStream(bytes.data(), 0, static_cast<Goffset>(bytes.size()), Object(objNull));
  if constexpr (requires { Doc(stream, no_password, no_password, nullptr, rebuilt); }) {
    return std::make_unique<Doc>(stream, no_password, no_password, nullptr, rebuilt);
  } else {
    return std::make_unique<Doc>(stream, no_password, no_password, rebuilt);
  }
}

}  // namespace

Document::Document(std::string_view bytes)
    : bytes_(bytes), poppler_(open<PDFDoc>(bytes, [this] { rebuilt_ = true; })) {}

bool Document::needs_password() const {
  return poppler_->getErrorCode() == errEncrypted;
}

Object Document::fetch(Ref ref) {
  XRef& references = *xref();
  if (ref.num < 0 || ref.num >= references.getNumObjects()) return Object(objNull);
  const XRefEntry* entry = references.getEntry(ref.num, false);
  if (entry != nullptr && entry->type == xrefEntryCompressed) {
    if (const std::optional<RawValue> raw = peek_in_object_stream(*entry, ref)) {
      // What is in an object stream was decrypted with it.
      Parser parser(&references,
                    new MemStream(reinterpret_cast<const char*>(raw->begin()), 0,
                                  raw->end() - raw->begin(), Object(objNull)),
                    false);
      return parser.getObj();
    }
  }
  return references.fetch(ref);
}

Object Document::with_contents(const Object& object) {
  Contents known;
  return with_contents(object, contents_depth_max, known);
}

Object Document::with_contents(const Object& object, int depth, Contents& known) {
  if (depth == 0 || known.size() >= contents_objects_max) return object.copy();
  if (object.isRef()) {
    const Ref ref = object.getRef();
    const XRefEntry* entry = xref()->getEntry(ref.num, false);
    if (entry == nullptr || entry->type != xrefEntryCompressed) return object.copy();
    const auto [place, added] = known.try_emplace(ref, objNull);
    // Made once, however often it is referred to; null within itself.
    if (!added) return place->second.copy();
    Object contents = with_contents(fetch(ref), depth - 1, known);
    known[ref] = contents.copy();
    return contents;
  }
  if (object.isDict()) {
    const Dict& dictionary = *object.getDict();
    auto* copy = new Dict(&dictionary);
    for (int i = 0; i < dictionary.getLength(); ++i) {
      const Object& value = dictionary.getValNF(i);
      if (value.isRef() || value.isArray() || value.isDict())
        copy->set(dictionary.getKey(i), with_contents(value, depth - 1, known));
    }
    return Object(copy);
  }
  if (object.isArray() && has_parts(object)) {
    auto* copy = new Array(xref());
    for (int i = 0; i < object.arrayGetLength(); ++i)
      copy->add(with_contents(object.arrayGetNF(i), depth - 1, known));
    return Object(copy);
  }
  return object.copy();  // shared, if it is an array
}

std::optional<RawValue> Document::peek(Ref ref) {
  if (ref.num <= 0 || ref.num >= xref()->getNumObjects()) return std::nullopt;
  const XRefEntry* entry = xref()->getEntry(ref.num, false);
  // An object that Poppler changed in memory is not what the file says.
  if (entry == nullptr || !entry->obj.isNull()) return std::nullopt;
  std::optional<RawValue> raw;
  if (entry->type == xrefEntryUncompressed) raw = peek_in_file(*entry, ref);
  if (entry->type == xrefEntryCompressed) raw = peek_in_object_stream(*entry, ref);
  if (!raw) return std::nullopt;
  return RawValue(raw->begin(), raw->begin() + std::min(peek_bytes_max, raw->end() - raw->begin()));
}

std::optional<RawValue> Document::peek_in_file(const XRefEntry& entry, Ref ref) const {
  // Offsets count from the header, before which there may be junk.
  const Goffset start = poppler_->getBaseStream()->getStart();
  if (entry.gen != ref.gen || entry.offset <= 0 ||
      entry.offset >= static_cast<Goffset>(bytes_.size()) - start)
    return std::nullopt;
  const Goffset offset = entry.offset + start;
  const Byte* at = skip_space(begin() + offset, end());
  // "12 0 obj"
  std::int64_t number = 0;
  const Byte* const digits = at;
  while (at < end() && is_digit(*at) && number <= ref.num) number = number * 10 + (*at++ - '0');
  if (at == digits || number != ref.num) return std::nullopt;
  at = skip_space(at, end());
  while (at < end() && is_digit(*at)) ++at;
  at = skip_space(at, end());
  if (end() - at < 4 || at[0] != 'o' || at[1] != 'b' || at[2] != 'j') return std::nullopt;
  return RawValue(skip_space(at + 3, end()), end());
}

std::optional<RawValue> Document::peek_in_object_stream(const XRefEntry& entry, Ref ref) {
  if (!entry.obj.isNull()) return std::nullopt;
  const int index = entry.gen;
  const ObjectStream* stream = object_stream(static_cast<int>(entry.offset));
  if (stream == nullptr || index < 0 || static_cast<std::size_t>(index) >= stream->objects.size() ||
      stream->objects[static_cast<std::size_t>(index)].first != ref.num)
    return std::nullopt;
  const std::size_t place = stream->objects[static_cast<std::size_t>(index)].second;
  return RawValue(stream->content.data() + place, stream->content.data() + stream->content.size());
}

const Document::ObjectStream* Document::object_stream(int number) {
  if (std::exchange(rebuilt_, false)) {
    object_streams_.clear();
    object_streams_bytes_ = 0;
  }
  if (const auto found = object_streams_.find(number); found != object_streams_.end())
    return found->second->objects.empty() ? nullptr : found->second.get();
  if (object_streams_bytes_ > object_streams_bytes_max) {
    object_streams_.clear();
    object_streams_bytes_ = 0;
  }
  // Known as empty while it is read, in case it needs itself for that.
  object_streams_[number] = std::make_unique<ObjectStream>();
  auto stream = std::make_unique<ObjectStream>();
  if (!read_object_stream(number, *stream)) return nullptr;
  object_streams_bytes_ += stream->content.size();
  const auto kept = object_streams_.insert_or_assign(number, std::move(stream)).first;
  return kept->second->objects.empty() ? nullptr : kept->second.get();
}

bool Document::read_object_stream(int number, ObjectStream& stream) {
  // An object stream is never itself in one, and Poppler refuses those that are.
  const XRefEntry* entry =
      number > 0 && number < xref()->getNumObjects() ? xref()->getEntry(number, false) : nullptr;
  if (entry == nullptr || entry->type != xrefEntryUncompressed) return false;
  const Object object = xref()->fetch({number, entry->gen});
  if (!object.isStream()) return false;
  const Object count = object.streamGetDict()->lookup("N");
  const Object first = object.streamGetDict()->lookup("First");
  Warning ignored;
  if (!count.isInt() || !first.isInt() || !read_stream(object, stream.content, ignored))
    return false;
  stream.content.seal();
  const Byte* at = stream.content.data();
  const auto size = static_cast<std::int64_t>(stream.content.size());
  const std::int64_t body = first.getInt();
  if (body <= 0 || body > size) return false;
  const Byte* const head_end = at + body;
  const auto next_number = [&](std::int64_t value_max) -> std::optional<std::int64_t> {
    at = skip_space(at, head_end);
    if (at >= head_end || !is_digit(*at)) return std::nullopt;
    std::int64_t value = 0;
    for (; at < head_end && is_digit(*at); ++at)
      value = std::min(value * 10 + (*at - '0'), value_max);
    return value;
  };
  // The head is in the file, so it bounds what is kept, whatever /N says.
  const int objects = std::min(count.getInt(), object_stream_objects_max);
  for (int i = 0; i < objects; ++i) {
    const std::optional<std::int64_t> object_number = next_number(std::numeric_limits<int>::max());
    const std::optional<std::int64_t> place = next_number(size);
    if (!object_number || !place) break;
    stream.objects.emplace_back(static_cast<int>(*object_number),
                                static_cast<std::size_t>(std::min(body + *place, size)));
  }
  return true;
}

std::optional<Document::RawStream> Document::raw_stream(Ref ref) {
  if (xref()->isEncrypted() || ref.num <= 0 || ref.num >= xref()->getNumObjects())
    return std::nullopt;
  const XRefEntry* entry = xref()->getEntry(ref.num, false);
  if (entry == nullptr || entry->type != xrefEntryUncompressed || !entry->obj.isNull())
    return std::nullopt;
  const std::optional<RawValue> object = peek_in_file(*entry, ref);
  if (!object) return std::nullopt;

  Coding coding = Coding::plain;
  bool simple = true;
  std::optional<std::int64_t> length;
  std::optional<RawValue::Reference> length_at;
  const Byte* at =
      for_each_entry(object->begin(), end(), [&](std::string_view key, const RawValue& value) {
        if (key == "Length") {
          length = value.integer();
          length_at = value.reference();
        } else if (key == "Filter" || key == "F") {
          const std::optional<RawValue> filter = value.single();
          if (filter && (filter->is_name("FlateDecode") || filter->is_name("Fl")))
            coding = Coding::flate;
          else
            simple = false;
        } else if (key == "DecodeParms" || key == "DP") {
          simple = simple && value.is_null();
        }
      });
  if (at == nullptr || !simple) return std::nullopt;
  at = skip_space(at, end());
  constexpr std::string_view word = "stream";
  if (end() - at < 16 || std::memcmp(at, word.data(), word.size()) != 0) return std::nullopt;
  at += word.size();
  if (*at == '\r') ++at;
  if (*at == '\n') ++at;
  if (length_at) {
    const Object value = fetch({length_at->number, length_at->generation});
    if (value.isInt()) length = value.getInt();
  }
  if (!length || *length < 0 || *length > end() - at) return std::nullopt;
  // A length that lies is Poppler's to repair.
  constexpr std::string_view end_word = "endstream";
  const Byte* const after = skip_space(at + *length, end());
  if (static_cast<std::size_t>(end() - after) < end_word.size() ||
      std::memcmp(after, end_word.data(), end_word.size()) != 0)
    return std::nullopt;
  return RawStream{{at, static_cast<std::size_t>(*length)}, coding};
}

bool Document::decode(std::span<const Byte> zlib, ByteBuffer& out, Warning& warning) {
  const std::size_t before = out.size();
  switch (inflater_.inflate(zlib, stream_bytes_max, out)) {
    case Inflater::End::complete:
      return true;
    case Inflater::End::too_large:
      warning.set("a stream was cut off at its limit");
      return true;
    case Inflater::End::nothing:
      break;
  }
  out.truncate(before);
  return false;
}

bool Document::read_stream(Ref ref, ByteBuffer& out, Warning& warning) {
  if (const std::optional<RawStream> raw = raw_stream(ref)) {
    if (raw->coding == Coding::plain) {
      out.append(raw->bytes.first(std::min(raw->bytes.size(), stream_bytes_max)));
      return true;
    }
    if (decode(raw->bytes, out, warning)) return true;
  }
  return read_stream(fetch(ref), out, warning);
}

bool Document::read_stream(const Object& stream, ByteBuffer& out, Warning& warning) {
  if (!stream.isStream()) return false;
  Stream& source = *stream.getStream();
  const Dict& dictionary = *stream.streamGetDict();
  Object filter = lookup(dictionary, "Filter");
  if (filter.isNull()) filter = lookup(dictionary, "F");
  if (filter.isArray() && filter.arrayGetLength() == 1) filter = element(filter, 0);
  Object parameters = lookup(dictionary, "DecodeParms");
  if (parameters.isArray() && parameters.arrayGetLength() > 0) parameters = element(parameters, 0);
  const Object predictor = lookup(parameters, "Predictor");
  if (is_flate(filter) && (!predictor.isInt() || predictor.getInt() <= 1)) {
    if (!xref()->isEncrypted()) {
      BaseStream& base = *source.getBaseStream();
      const Goffset start = base.getStart();
      const Goffset length = base.getLength();
      const auto size = static_cast<Goffset>(bytes_.size());
      if (start >= 0 && length > 0 && start <= size && length <= size - start &&
          decode({begin() + start, static_cast<std::size_t>(length)}, out, warning))
        return true;
    } else {
      // Decrypted, not yet inflated.
      ByteBuffer zlib;
      if (read_all(*source.getUndecodedStream(), stream_bytes_max, zlib, warning) &&
          decode({zlib.data(), zlib.size()}, out, warning))
        return true;
    }
  }
  if (read_all(source, stream_bytes_max, out, warning)) return true;
  const Object length = lookup(dictionary, "Length");
  if (length.isInt() && length.getInt() > 0) warning.set("a stream cannot be decoded");
  return false;
}

}  // namespace penstock::pdf
