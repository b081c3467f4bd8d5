// A made document is a PDF of one plan a kind: every object has the same length in all of them, so
// the table of offsets is the same, too. What differs are lines of text. Most come from a pool that
// all share, each document beginning at another line; every twentieth line is the document's own,
// so that no chunk of it was embedded for another.
#include "loadgen/corpus.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/pdf_header.h"
#include "engine/core/random.h"
#include "engine/core/unique_fd.h"

namespace penstock {
namespace {

constexpr std::array<std::string_view, 96> words = {
    "water",   "gate",     "turbine",  "river",   "valley",   "engine",  "report", "measure",
    "winter",  "summer",   "bridge",   "station", "keeper",   "harbour", "signal", "morning",
    "evening", "flow",     "pressure", "valve",   "concrete", "steel",   "survey", "channel",
    "the",     "a",        "of",       "and",     "in",       "to",      "from",   "with",
    "was",     "were",     "is",       "has",     "had",      "under",   "over",   "between",
    "opened",  "closed",   "rose",     "fell",    "carried",  "counted", "noted",  "repaired",
    "slowly",  "quickly",  "twice",    "again",   "early",    "late",    "never",  "always",
    "north",   "south",    "east",     "west",    "upper",    "lower",   "narrow", "broad",
    "stone",   "wooden",   "heavy",    "light",   "quiet",    "loud",    "clear",  "muddy",
    "hundred", "thousand", "seven",    "twelve",  "forty",    "half",    "first",  "second",
    "year",    "month",    "week",     "day",     "hour",     "minute",  "metre",  "litre",
    "level",   "record",   "figure",   "table",   "page",     "letter",  "answer", "question"};

constexpr std::size_t line_chars = 72;
constexpr std::size_t lines_a_page = 40;
constexpr std::size_t lines_between_own = 20;
constexpr std::size_t pool_lines = 1 << 16;
constexpr std::size_t picture_bytes_max = 64 << 20;

// As a content stream shows it.
std::string shown(std::string_view line) {
  std::string text = "(" + std::string(line.substr(0, line_chars));
  text.resize(line_chars + 1, ' ');
  return text + ") Tj T*\n";
}
const std::size_t shown_bytes = shown({}).size();

std::string line_of(Random& random) {
  std::string line;
  for (;;) {
    const std::string_view word = words[random.below(words.size())];
    if (line.size() + word.size() + 2 > line_chars) break;
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (random.below(3) == 0) line += '.';
  return line;
}

// A word that is none, of some syllables.
std::string made_word(std::uint64_t bits) {
  constexpr std::string_view consonants = "bdfgklmnprstvz";
  constexpr std::string_view vowels = "aeiou";
  std::string word;
  for (int i = 0; i < 4; ++i) {
    word += consonants[bits % consonants.size()];
    bits /= consonants.size();
    word += vowels[bits % vowels.size()];
    bits /= vowels.size();
  }
  return word;
}

}  // namespace

struct Corpus::Shared {
  explicit Shared(std::uint64_t seed, std::size_t picture_bytes) {
    Random random(seed);
    lines.reserve(pool_lines * shown_bytes);
    for (std::size_t i = 0; i < pool_lines; ++i) lines += shown(line_of(random));
    picture.resize(picture_bytes);
    for (char& byte : picture) byte = static_cast<char>(random.next());
  }
  std::string lines;    // of the pool, each shown_bytes long
  std::string picture;  // nothing that could be compressed
};

class Corpus::Kind {
 public:
  virtual ~Kind() = default;
  virtual Content content(std::uint64_t seed, std::uint64_t number) const = 0;
  virtual std::uint32_t pages() const = 0;
};

class Corpus::Made final : public Kind {
 public:
  Made(const DocumentKind& kind, const Shared& shared);
  Content content(std::uint64_t seed, std::uint64_t number) const override;
  std::uint32_t pages() const override { return static_cast<std::uint32_t>(ends_.size() - 1); }

 private:
  // Of the plan: so much of frame_, then, unless it is the last, a page's lines.
  std::string frame_;
  std::vector<std::size_t> ends_;  // of the stretches of frame_
  std::string_view pool_;
  std::size_t picture_at_ = 0;  // the stretch behind which the picture comes
  std::string_view picture_;
};

Corpus::Made::Made(const DocumentKind& kind, const Shared& shared) : pool_(shared.lines) {
  const std::uint64_t text_bytes = kind.bytes_of_text > 0 ? kind.bytes_of_text : kind.bytes;
  const std::size_t page_bytes = lines_a_page * shown_bytes;
  const std::size_t pages = std::max<std::size_t>(1, text_bytes / page_bytes);
  const std::string begin_text = "BT /F1 11 Tf 14 TL 72 740 Td\n";
  const std::string end_text = "ET\n";
  std::vector<std::size_t> places;
  std::size_t filled = 0;  // bytes of what is between the stretches
  const auto begin_object = [&] {
    places.push_back(frame_.size() + filled);
    frame_ += std::to_string(places.size()) + " 0 obj\n";
  };
  const auto hole = [&](std::size_t bytes) {
    ends_.push_back(frame_.size());
    filled += bytes;
  };
  frame_ = "%PDF-1.4\n";
  begin_object();
  frame_ += "<< /Type /Catalog /Pages 2 0 R >>\nendobj\n";
  begin_object();
  frame_ += "<< /Type /Pages /Count " + std::to_string(pages) + " /Kids [";
  for (std::size_t page = 0; page < pages; ++page) frame_ += std::to_string(5 + 2 * page) + " 0 R ";
  frame_ += "] >>\nendobj\n";
  begin_object();
  frame_ +=
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>\n"
      "endobj\n";
  // The picture fills up what is not text.
  const std::uint64_t pages_bytes = pages * (page_bytes + 260) + 700;
  const std::uint64_t left = kind.bytes > pages_bytes ? kind.bytes - pages_bytes : 0;
  const std::size_t side = 1024;
  const std::size_t rows = std::min<std::uint64_t>(left, picture_bytes_max) / side;
  picture_ = std::string_view(shared.picture).substr(0, rows * side);
  begin_object();
  frame_ += "<< /Type /XObject /Subtype /Image /Width " + std::to_string(side) + " /Height " +
            std::to_string(std::max<std::size_t>(rows, 1)) +
            " /BitsPerComponent 8 /ColorSpace /DeviceGray /Length " +
            std::to_string(picture_.size()) + " >>\nstream\n";
  picture_at_ = ends_.size();
  hole(picture_.size());
  frame_ += "\nendstream\nendobj\n";
  for (std::size_t page = 0; page < pages; ++page) {
    const bool has_picture = page == 0 && !picture_.empty();
    const std::string draw = has_picture ? "q 100 0 0 100 400 20 cm /I Do Q\n" : "";
    begin_object();
    frame_ += "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents " +
              std::to_string(places.size() + 1) +
              " 0 R /Resources << /Font << /F1 3 0 R >> /XObject << /I 4 0 R >> >> >>\nendobj\n";
    begin_object();
    frame_ += "<< /Length " +
              std::to_string(begin_text.size() + page_bytes + end_text.size() + draw.size()) +
              " >>\nstream\n" + begin_text;
    hole(page_bytes);
    frame_ += end_text + draw + "endstream\nendobj\n";
  }
  const std::size_t table = frame_.size() + filled;
  frame_ += "xref\n0 " + std::to_string(places.size() + 1) + "\n0000000000 65535 f \n";
  for (const std::size_t place : places) {
    std::string digits = std::to_string(place);
    frame_ += std::string(10 - digits.size(), '0') + digits + " 00000 n \n";
  }
  frame_ += "trailer\n<< /Size " + std::to_string(places.size() + 1) +
            " /Root 1 0 R >>\nstartxref\n" + std::to_string(table) + "\n%%EOF\n";
}

Content Corpus::Made::content(std::uint64_t seed, std::uint64_t number) const {
  Random random(seed ^ (number * 0x9E3779B97F4A7C15));
  constexpr std::size_t own_a_page = lines_a_page / lines_between_own;
  const std::size_t own_lines = pages() * own_a_page;
  Content content;
  content.media_type = "application/pdf";
  // Enough words for a search that only counts them, among documents that are much alike.
  constexpr int phrase_words = 7;
  for (int i = 0; i < phrase_words; ++i)
    content.phrase += (i == 0 ? "" : " ") + made_word(random.next());
  auto own = std::make_shared<std::string>();
  own->reserve(own_lines * shown_bytes);
  const std::string name = "document " + std::to_string(number);
  *own = shown(content.phrase + ".");
  for (std::size_t i = 1; i < own_lines; ++i)
    *own +=
        shown("Part " + std::to_string(i) + " of " + name + ": " + made_word(random.next()) + ".");
  const auto add = [&](std::string_view part) {
    content.parts.emplace_back(part.data(), part.size());
    content.bytes += part.size();
  };
  std::size_t pool_line = random.below(pool_lines);
  std::size_t own_line = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    add(std::string_view(frame_).substr(at, ends_[i] - at));
    at = ends_[i];
    if (i == picture_at_) {
      if (!picture_.empty()) add(picture_);
      continue;
    }
    for (std::size_t part = 0; part < own_a_page; ++part) {
      add(std::string_view(*own).substr(own_line++ * shown_bytes, shown_bytes));
      constexpr std::size_t lines = lines_between_own - 1;
      if (pool_line + lines > pool_lines) pool_line = 0;
      add(pool_.substr(pool_line * shown_bytes, lines * shown_bytes));
      pool_line += lines;
    }
  }
  add(std::string_view(frame_).substr(at));
  content.owner = std::move(own);
  return content;
}

class Corpus::Folder final : public Kind {
 public:
  explicit Folder(const std::string& folder);
  ~Folder() override {
    for (const std::span<const char> file : files_)
      munmap(const_cast<char*>(file.data()), file.size());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Content content(std::uint64_t seed, std::uint64_t number) const override;
  std::uint32_t pages() const override { return 0; }

 private:
  std::vector<std::span<const char>> files_;  // mapped
};

Corpus::Folder::Folder(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error))
    if (entry.is_regular_file() && entry.file_size() > 0) paths.push_back(entry.path());
  if (error) throw FatalError(folder + ": cannot be read (" + error.message() + ")");
  // Whatever order the file system has.
  std::ranges::sort(paths);
  for (const std::filesystem::path& path : paths) {
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) continue;
    const auto bytes = static_cast<std::size_t>(status.st_size);
    void* const mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (mapped != MAP_FAILED) files_.emplace_back(static_cast<const char*>(mapped), bytes);
  }
  if (files_.empty()) throw FatalError(folder + ": has no file to send");
}

// What stands behind a PDF's end is no part of what it shows: content and digest are this
// document's own, text and vectors those of each time that the file is sent.
Content Corpus::Folder::content(std::uint64_t /*seed*/, std::uint64_t number) const {
  const std::span<const char> file = files_[number % files_.size()];
  const bool is_pdf = looks_like_pdf({file.data(), std::min(file.size(), pdf_header_within)});
  Content content;
  content.media_type = is_pdf ? "application/pdf" : "text/plain";
  content.parts = {file};
  content.bytes = file.size();
  if (!is_pdf) return content;
  const auto own =
      std::make_shared<std::string>("\n% sent as document " + std::to_string(number) + "\n");
  content.parts.emplace_back(own->data(), own->size());
  content.bytes += own->size();
  content.owner = own;
  return content;
}

Corpus::Corpus(const std::vector<DocumentKind>& kinds, std::uint64_t seed)
    : seed_(seed), shared_([&] {
        std::uint64_t picture_bytes = 0;
        for (const DocumentKind& kind : kinds)
          if (kind.folder.empty() && kind.bytes_of_text > 0)
            picture_bytes = std::max(picture_bytes, kind.bytes);
        return std::make_unique<const Shared>(
            seed, std::min<std::uint64_t>(picture_bytes, picture_bytes_max));
      }()) {
  for (const DocumentKind& kind : kinds) {
    if (kind.folder.empty())
      kinds_.push_back(std::make_unique<Made>(kind, *shared_));
    else
      kinds_.push_back(std::make_unique<Folder>(kind.folder));
  }
}

Corpus::~Corpus() = default;

Content Corpus::content(std::uint64_t number, std::uint32_t kind) const {
  return kinds_.at(kind)->content(seed_, number);
}

std::string Corpus::text_of(std::uint64_t number, std::uint32_t kind) const {
  // Its lines are the only strings of its plan.
  std::string text;
  bool is_in_line = false;
  for (const std::span<const char> part : content(number, kind).parts) {
    if (part.size() % shown_bytes != 0 || part[0] != '(') continue;
    for (const char c : part) {
      if (c == '(' || c == ')') {
        is_in_line = c == '(';
        while (c == ')' && text.ends_with(' ')) text.pop_back();
        if (c == ')') text += '\n';
      } else if (is_in_line) {
        text += c;
      }
    }
  }
  return text;
}

std::uint32_t Corpus::pages_of(std::uint32_t kind) const {
  return kinds_.at(kind)->pages();
}

}  // namespace penstock
