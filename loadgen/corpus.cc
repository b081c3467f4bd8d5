// A made document is a PDF of one plan a kind: every object has the same length in all of them, so
// the table of offsets is the same, too. What differs are lines of text. Most come from a pool that
// all share, each document beginning at another line; every twentieth line is the document's own
// and begins a paragraph, so that no chunk of it was embedded for another.
#include "loadgen/corpus.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
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
constexpr std::size_t own_line_chars = 84;
constexpr std::size_t lines_a_page = 40;
constexpr std::size_t lines_between_own = 20;
constexpr std::size_t pool_lines = 1 << 16;
constexpr std::size_t picture_side = 1024;

// As a content stream shows it.
std::string shown(std::string_view line, std::size_t chars = line_chars) {
  std::string text = "(" + std::string(line.substr(0, chars));
  text.resize(chars + 1, ' ');
  return text + ") Tj T*\n";
}
std::string shown_as_paragraph(std::string_view line) {
  return "T* " + shown(line, own_line_chars);
}
const std::size_t shown_bytes = shown({}).size();
const std::size_t own_bytes = shown_as_paragraph({}).size();
constexpr std::size_t own_a_page = lines_a_page / lines_between_own;

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

std::size_t nearest(std::uint64_t bytes, std::size_t unit) {
  return std::max<std::size_t>(1, (bytes + unit / 2) / unit);
}

// A word that is none, of some syllables.
std::string made_word(std::uint64_t bits) {
  constexpr std::string_view consonants = "bdfgklmnprstvz";
  constexpr std::string_view vowels = "aeiou";
  std::string word;
  for (int i = 0; i < 3; ++i) {
    word += consonants[bits % consonants.size()];
    bits /= consonants.size();
    word += vowels[bits % vowels.size()];
    bits /= vowels.size();
  }
  return word;
}

// A search by hashed words finds a chunk among many only if these words stand out in it: as often
// as they fit. A chunk has two such lines or three.
std::string own_line_of(std::uint64_t number, std::size_t part, const std::string& phrase) {
  std::string line =
      "Document " + std::to_string(number) + ", part " + std::to_string(part + 1) + ": " + phrase;
  while (line.size() + 2 + phrase.size() < own_line_chars) line += ", " + phrase;
  return line + ".";
}

}  // namespace

struct Corpus::Shared {
  explicit Shared(std::uint64_t seed) {
    Random random(seed);
    lines.reserve(pool_lines * shown_bytes);
    for (std::size_t i = 0; i < pool_lines; ++i) lines += shown(line_of(random));
    picture.resize(picture_side * picture_side);
    for (char& byte : picture) byte = static_cast<char>(random.next());
  }
  std::string lines;    // of the pool, each shown_bytes long
  std::string picture;  // nothing that could be compressed; over and over in a larger one
};

class Corpus::Kind {
 public:
  virtual ~Kind() = default;
  virtual Content content(std::uint64_t seed, std::uint64_t number) const = 0;
  virtual std::string text(std::uint64_t seed, std::uint64_t number) const = 0;
  virtual std::uint32_t pages() const = 0;
};

class Corpus::Made final : public Kind {
 public:
  Made(const DocumentKind& kind, const Shared& shared);
  Content content(std::uint64_t seed, std::uint64_t number) const override;
  std::string text(std::uint64_t seed, std::uint64_t number) const override;
  std::uint32_t pages() const override { return static_cast<std::uint32_t>(ends_.size() - 1); }

 private:
  // Of the plan: so much of frame_, then, unless it is the last, a page's lines.
  std::string frame_;
  std::vector<std::size_t> ends_;  // of the stretches of frame_
  std::string_view pool_;
  std::size_t picture_at_ = 0;  // the stretch behind which the picture comes
  std::size_t picture_bytes_ = 0;
  std::string_view picture_;
};

Corpus::Made::Made(const DocumentKind& kind, const Shared& shared)
    : pool_(shared.lines), picture_(shared.picture) {
  constexpr std::size_t page_overhead = 260;  // of its objects, about
  const std::size_t page_bytes = own_a_page * own_bytes + (lines_a_page - own_a_page) * shown_bytes;
  const std::size_t pages = kind.bytes_of_text > 0
                                ? nearest(kind.bytes_of_text, lines_a_page * (line_chars + 1))
                                : nearest(kind.bytes, page_bytes + page_overhead);
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
  const std::uint64_t pages_bytes = pages * (page_bytes + page_overhead) + 700;
  const std::uint64_t left = kind.bytes > pages_bytes ? kind.bytes - pages_bytes : 0;
  const std::size_t rows = left / picture_side;
  picture_bytes_ = rows * picture_side;
  begin_object();
  frame_ += "<< /Type /XObject /Subtype /Image /Width " + std::to_string(picture_side) +
            " /Height " + std::to_string(std::max<std::size_t>(rows, 1)) +
            " /BitsPerComponent 8 /ColorSpace /DeviceGray /Length " +
            std::to_string(picture_bytes_) + " >>\nstream\n";
  picture_at_ = ends_.size();
  hole(picture_bytes_);
  frame_ += "\nendstream\nendobj\n";
  for (std::size_t page = 0; page < pages; ++page) {
    const bool has_picture = page == 0 && picture_bytes_ > 0;
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
  // Of a seed that is itself a random number: those of neighbours would share some of theirs.
  Random random(Random(Random(seed).next() + number).next());
  const std::size_t own_lines = pages() * own_a_page;
  Content content;
  content.media_type = "application/pdf";
  content.phrase = made_word(random.next());
  for (int i = 1; i < 4; ++i) content.phrase += " " + made_word(random.next());
  auto own = std::make_shared<std::string>();
  own->reserve(own_lines * own_bytes);
  for (std::size_t i = 0; i < own_lines; ++i)
    *own += shown_as_paragraph(own_line_of(number, i, content.phrase));
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
      for (std::size_t left = picture_bytes_; left > 0; left -= std::min(left, picture_.size()))
        add(picture_.substr(0, left));
      continue;
    }
    for (std::size_t part = 0; part < own_a_page; ++part) {
      add(std::string_view(*own).substr(own_line++ * own_bytes, own_bytes));
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

// Between parentheses in the parts that are lines: those that lie neither in frame nor picture.
std::string Corpus::Made::text(std::uint64_t seed, std::uint64_t number) const {
  const auto lies_in = [](std::span<const char> part, std::string_view whole) {
    return std::less_equal<>()(whole.data(), part.data()) &&
           std::less<>()(part.data(), whole.data() + whole.size());
  };
  std::string text;
  bool is_in_line = false;
  for (const std::span<const char> part : content(seed, number).parts) {
    if (lies_in(part, frame_) || lies_in(part, picture_)) continue;
    for (const char c : part) {
      if (c == ')') {
        while (text.ends_with(' ')) text.pop_back();
        text += '\n';
      }
      if (c == '(' || c == ')')
        is_in_line = c == '(';
      else if (is_in_line)
        text += c;
    }
  }
  return text;
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
  std::string text(std::uint64_t, std::uint64_t) const override { return {}; }
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
    void* mapped = MAP_FAILED;
    if (fd && fstat(fd.get(), &status) == 0)
      mapped = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED,
                    fd.get(), 0);
    if (mapped == MAP_FAILED)
      throw FatalError(path.string() + ": cannot be read (" +
                       std::generic_category().message(errno) + ")");
    files_.emplace_back(static_cast<const char*>(mapped), static_cast<std::size_t>(status.st_size));
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
    : seed_(seed), shared_(std::make_unique<const Shared>(seed)) {
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
  return kinds_.at(kind)->text(seed_, number);
}

std::uint32_t Corpus::pages_of(std::uint32_t kind) const {
  return kinds_.at(kind)->pages();
}

}  // namespace penstock
