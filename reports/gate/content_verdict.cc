#include "reports/gate/content_verdict.h"

#include <fmt/format.h>

#include <cmath>

#include "reports/format.h"

namespace penstock {
namespace {

constexpr std::uint64_t words_to_one_lost = 100'000;
constexpr std::uint64_t words_to_one_changed = 1'000;
constexpr double more_paid_max = 0.01;

class ContentJudge {
 public:
  explicit ContentJudge(const GateRecord& record)
      : content_(record.content), accepts_(record.accepts_content) {}

  std::vector<ContentResult> results() {
    guarantees();
    words();
    pieces("chunks", content_.baseline.chunks, content_.candidate.chunks);
    pieces("tokens", content_.baseline.tokens, content_.candidate.tokens);
    searches();
    return std::move(results_);
  }

 private:
  ContentResult& line(std::string name, std::string limit) {
    return results_.emplace_back(ContentResult{.name = std::move(name), .limit = std::move(limit)});
  }
  ContentResult& line(std::string name, std::uint64_t baseline, std::uint64_t candidate,
                      std::string limit) {
    ContentResult& result = line(std::move(name), std::move(limit));
    result.baseline = with_commas(baseline);
    result.candidate = with_commas(candidate);
    return result;
  }
  void refuse(ContentResult& result) const {
    if (accepts_)
      result.is_accepted = true;
    else
      result.outcome = GateOutcome::regression;
  }

  // What no change of an extractor is an excuse for.
  void guarantees() {
    const GateContent::Side &before = content_.baseline, &after = content_.candidate;
    ContentResult& ended =
        line("documents with an outcome", before.documents, after.documents, "none less");
    if (after.documents < before.documents) {
      ended.outcome = GateOutcome::regression;
      ended.sentence =
          counted(before.documents - after.documents, "document") + " never had an outcome";
    }
    ContentResult& done = line("documents done", before.done, after.done, "none less");
    if (after.done < before.done) {
      done.outcome = GateOutcome::regression;
      done.sentence = counted(before.done - after.done, "document") +
                      " that the baseline reads ended otherwise";
    }
    ContentResult& twice =
        line("chunks that are there twice", before.chunks_twice, after.chunks_twice, "none more");
    if (after.chunks_twice > before.chunks_twice) {
      twice.outcome = GateOutcome::regression;
      twice.sentence = counted(after.chunks_twice - before.chunks_twice, "chunk") +
                       " more that a search finds twice";
    }
  }

  void words() {
    const std::uint64_t all = content_.baseline.words;
    const std::uint64_t now = content_.candidate.words;
    ContentResult& count = line("words", all, now, "by what is lost and added");
    if (now != all)
      count.sentence =
          now < all ? counted(all - now, "word") + " fewer" : counted(now - all, "word") + " more";
    ContentResult& lost = line("words lost", "1 in 100,000");
    lost.candidate = with_commas(content_.words_lost);
    if (content_.words_lost > 0)
      lost.sentence =
          fmt::format("{} lost on {}: no search finds them", counted(content_.words_lost, "word"),
                      counted(content_.pages_with_loss, "page"));
    if (content_.words_lost > all / words_to_one_lost) refuse(lost);
    ContentResult& added = line("words added", "1 in 1,000");
    added.candidate = with_commas(content_.words_added);
    if (content_.words_added > 0)
      added.sentence = counted(content_.words_added, "word") + " that the baseline does not have";
    if (content_.words_added > all / words_to_one_changed) refuse(added);
    ContentResult& moved = line("words moved", "1 in 1,000");
    moved.candidate = with_commas(content_.words_moved);
    if (content_.words_moved > 0)
      moved.sentence = counted(content_.words_moved, "word") + " out of the baseline's order";
    if (content_.words_moved > all / words_to_one_changed) refuse(moved);
  }

  bool has_same_words() const {
    return content_.words_lost == 0 && content_.words_added == 0 && content_.words_moved == 0;
  }

  void pieces(const std::string& name, std::uint64_t before, std::uint64_t after) {
    ContentResult& result =
        line(name, before, after, has_same_words() ? "the same" : "at most 1% more");
    if (before == after) return;
    const bool is_dearer =
        static_cast<double>(after) > static_cast<double>(before) * (1 + more_paid_max);
    result.sentence = has_same_words() ? fmt::format("other {} of the same words", name)
                                       : fmt::format("{} {} than before",
                                                     after > before ? "more" : "fewer", name);
    if (has_same_words() || is_dearer) refuse(result);
  }

  void searches() {
    if (content_.searches == 0) return;
    ContentResult& result = line("searches that answer otherwise", "none");
    result.candidate = fmt::format("{} of {}", with_commas(content_.searches_different),
                                   with_commas(content_.searches));
    if (content_.searches_different == 0) return;
    result.sentence =
        fmt::format("{} of {} with other documents or pages, or in another order",
                    with_commas(content_.searches_different), with_commas(content_.searches));
    refuse(result);
  }

  const GateContent& content_;
  const bool accepts_;
  std::vector<ContentResult> results_;
};

}  // namespace

std::vector<ContentResult> judge_content(const GateRecord& record) {
  const GateContent& content = record.content;
  if (content.baseline.documents == 0 && content.candidate.documents == 0) return {};
  return ContentJudge(record).results();
}

}  // namespace penstock
