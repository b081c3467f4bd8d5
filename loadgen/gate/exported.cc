#include "loadgen/gate/exported.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "loadgen/json_fields.h"

namespace penstock {
namespace {

struct ExportedChunk {
  std::uint64_t ordinal = 0;
  std::uint64_t page_first = 0;
  std::uint64_t page_last = 0;
  std::uint64_t char_begin = 0;
  std::uint64_t char_end = 0;
  std::string text;
};

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

// `text` without its first so many characters.
std::string_view without_first(std::string_view text, std::uint64_t characters) {
  std::size_t at = 0;
  for (std::uint64_t passed = 0; at < text.size(); ++at)
    if (begins_character(text[at]) && passed++ == characters) break;
  return text.substr(at);
}

bool is_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

void find_words(const std::vector<std::pair<std::size_t, ExportedChunk*>>& parts,
                ExportedDocument& document) {
  const std::string& text = document.text;
  std::size_t part = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    while (part + 1 < parts.size() && parts[part + 1].first <= begin) ++part;
    const ExportedChunk& chunk = *parts[part].second;
    const std::size_t part_begin = parts[part].first;
    const std::size_t part_end = part + 1 < parts.size() ? parts[part + 1].first : text.size();
    const std::uint64_t pages =
        chunk.page_last < chunk.page_first ? 1 : chunk.page_last - chunk.page_first + 1;
    const std::size_t page =
        (begin - part_begin) * pages / std::max<std::size_t>(part_end - part_begin, 1);
    document.words.push_back(
        {begin, at - begin, static_cast<std::uint32_t>(chunk.page_first + page)});
  }
}

void assemble(std::vector<ExportedChunk>& chunks, ExportedDocument& document) {
  std::ranges::stable_sort(chunks, {}, &ExportedChunk::ordinal);
  std::set<std::uint64_t> ordinals;
  std::set<std::string_view> texts;
  std::vector<std::pair<std::size_t, ExportedChunk*>> parts;
  std::uint64_t covered = 0;
  for (ExportedChunk& chunk : chunks) {
    const bool is_new_ordinal = ordinals.insert(chunk.ordinal).second;
    const bool is_new_text = texts.insert(chunk.text).second;
    if (!is_new_ordinal || !is_new_text) ++document.chunks_twice;
    if (chunk.char_end <= covered) continue;
    parts.emplace_back(document.text.size(), &chunk);
    const std::uint64_t repeated = covered > chunk.char_begin ? covered - chunk.char_begin : 0;
    document.text += without_first(chunk.text, repeated);
    covered = chunk.char_end;
  }
  document.chunks = chunks.size();
  find_words(parts, document);
}

}  // namespace

Exported read_export(const std::string& lines, const std::string& prefix) {
  Exported exported;
  std::map<std::string, std::vector<ExportedChunk>> chunks;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    const Json object = Json::parse(line, nullptr, false);
    std::string key = text_in(object, "key");
    if (key.starts_with(prefix)) key.erase(0, prefix.size());
    const std::string event = text_in(object, "event");
    if (event == "document") {
      ExportedDocument& document = exported[key];
      document.outcome = text_in(object, "outcome");
      document.pages = number_in(object, "pages");
      if (const auto times = object.find("times"); times != object.end())
        for (const auto& [name, time] : times->items())
          if (time.is_number_integer()) document.times[name] = time.get<std::int64_t>();
    } else if (event == "chunk") {
      exported[key].tokens += number_in(object, "tokens");
      chunks[key].push_back({number_in(object, "ordinal"), number_in(object, "page_first"),
                             number_in(object, "page_last"), number_in(object, "char_begin"),
                             number_in(object, "char_end"), text_in(object, "text")});
    }
  }
  for (auto& [key, all] : chunks) assemble(all, exported[key]);
  return exported;
}

}  // namespace penstock
