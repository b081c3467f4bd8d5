#include "loadgen/gate/content.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "loadgen/gate/word_order.h"

namespace penstock {
namespace {

constexpr std::size_t differences_max = 20;

GateContent::Side side_of(const Exported& exported) {
  GateContent::Side side;
  for (const auto& [key, document] : exported) {
    if (!document.outcome.empty() && document.outcome != "pending") ++side.documents;
    if (document.outcome == "done") ++side.done;
    side.pages += document.pages;
    side.words += document.words.size();
    side.chunks += document.chunks;
    side.chunks_twice += document.chunks_twice;
    side.tokens += document.tokens;
  }
  return side;
}

// How the words of a document differ.
struct WordChanges {
  std::uint64_t lost = 0;
  std::uint64_t added = 0;
  std::uint64_t moved = 0;
  std::set<std::uint32_t> pages;  // of the lost
};

WordChanges changes_of_words(const ExportedDocument& before, const ExportedDocument& after) {
  WordChanges changes;
  if (before.text == after.text) return changes;
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  const auto numbered = [&](const ExportedDocument& document) {
    std::vector<std::uint32_t> words;
    for (std::size_t i = 0; i < document.words.size(); ++i)
      words.push_back(
          numbers.try_emplace(document.word(i), static_cast<std::uint32_t>(numbers.size()))
              .first->second);
    return words;
  };
  const std::vector<std::uint32_t> theirs = numbered(before);
  const std::vector<std::uint32_t> ours = numbered(after);
  std::vector<std::int64_t> surplus(numbers.size());  // of the baseline
  for (const std::uint32_t word : theirs) ++surplus[word];
  for (const std::uint32_t word : ours) --surplus[word];
  for (const std::int64_t count : surplus)
    (count > 0 ? changes.lost : changes.added) += static_cast<std::uint64_t>(std::abs(count));

  const std::vector<bool> kept = kept_in_order(theirs, ours);
  const auto in_order = static_cast<std::uint64_t>(std::ranges::count(kept, true));
  changes.moved = theirs.size() - changes.lost - in_order;
  for (std::size_t i = 0; i < theirs.size(); ++i)
    if (!kept[i] && surplus[theirs[i]] > 0) {
      --surplus[theirs[i]];
      changes.pages.insert(before.words[i].page);
    }
  return changes;
}

std::string list_of(const std::set<std::uint32_t>& pages) {
  constexpr std::size_t named_max = 3;
  std::string list = pages.size() == 1 ? "page " : "pages ";
  std::size_t named = 0;
  for (const std::uint32_t page : pages) {
    if (named == named_max) return list + ", ...";
    list += (named++ > 0 ? ", " : "") + std::to_string(page);
  }
  return list;
}

class Comparison {
 public:
  void compare(const std::string& key, const ExportedDocument& before,
               const ExportedDocument& after) {
    if (before.outcome != after.outcome)
      note(UINT64_MAX, fmt::format("{}, now {}", before.outcome, after.outcome));
    if (after.chunks_twice > before.chunks_twice)
      note(UINT64_MAX / 2, fmt::format("{} of {} chunks twice", after.chunks_twice, after.chunks));
    const WordChanges words = changes_of_words(before, after);
    if (words.lost > 0)
      note(1'000'000 * words.lost, fmt::format("{} of {} words lost, about {}", words.lost,
                                               before.words.size(), list_of(words.pages)));
    if (words.added > 0) note(1'000 * words.added, fmt::format("{} words added", words.added));
    if (words.moved > 0) note(1'000 * words.moved, fmt::format("{} words moved", words.moved));
    if (before.chunks != after.chunks)
      note(1, fmt::format("{} chunks, now {}", before.chunks, after.chunks));
    if (before.tokens != after.tokens)
      note(1, fmt::format("{} tokens, now {}", before.tokens, after.tokens));
    content.words_lost += words.lost;
    content.words_added += words.added;
    content.words_moved += words.moved;
    content.pages_with_loss += words.pages.size();
    end_document(key);
  }
  void missing(const std::string& key, const std::string& outcome, const char* from) {
    note(UINT64_MAX, fmt::format("{}, not in the {}", outcome, from));
    end_document(key);
  }
  void sort() {
    std::ranges::stable_sort(differences_, std::greater{}, &Weighed::first);
    for (auto& [_, difference] : differences_) {
      if (content.differences.size() == differences_max) break;
      content.differences.push_back(std::move(difference));
    }
  }

  GateContent content;

 private:
  using Weighed = std::pair<std::uint64_t, GateContent::Difference>;

  void note(std::uint64_t weight, const std::string& what) {
    weight_ = std::max(weight_, weight);
    what_ += (what_.empty() ? "" : "; ") + what;
  }
  void end_document(const std::string& key) {
    if (what_.empty()) return;
    ++content.documents_different;
    differences_.emplace_back(weight_, GateContent::Difference{key, std::exchange(what_, {})});
    weight_ = 0;
  }

  std::uint64_t weight_ = 0;  // of the document at hand
  std::string what_;
  std::vector<Weighed> differences_;
};

}  // namespace

GateContent compare_content(const Exported& baseline, const Exported& candidate,
                            const std::vector<Found>& baseline_found,
                            const std::vector<Found>& candidate_found) {
  Comparison comparison;
  GateContent& content = comparison.content;
  content.baseline = side_of(baseline);
  content.candidate = side_of(candidate);
  for (const auto& [key, before] : baseline) {
    if (const auto after = candidate.find(key); after != candidate.end()) {
      comparison.compare(key, before, after->second);
    } else {
      // All of it is lost, and nothing is there to tell on which pages.
      content.words_lost += before.words.size();
      content.pages_with_loss += before.pages;
      comparison.missing(key, before.outcome, "candidate");
    }
  }
  for (const auto& [key, after] : candidate)
    if (!baseline.contains(key)) comparison.missing(key, after.outcome, "baseline");
  comparison.sort();
  content.searches = std::min(baseline_found.size(), candidate_found.size());
  for (std::size_t i = 0; i < content.searches; ++i)
    if (baseline_found[i] != candidate_found[i]) ++content.searches_different;
  return content;
}

}  // namespace penstock
