// What became of a document. Every document that was ever claimed has exactly one; none is silent.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace penstock {

enum class Outcome {
  pending,        // put back by `retry`, not processed since
  done,           // every chunk of it is stored and searchable
  no_text,        // read without error, but no page has text: a scan, needs OCR
  encrypted,      // needs a password
  corrupt,        // damaged beyond what the extractor can repair
  crashed,        // the extractor died on it
  timed_out,      // exceeded the time limit of a document
  out_of_memory,  // exceeded the memory limit of a document
  unsupported,    // not a PDF and not text
  too_large,      // above the size limit of a document or of its text
  unreadable,     // the source could not be read: vanished, permission, I/O error
  failed,         // refused by a later stage: the embedder would not take it
};

inline constexpr std::array<Outcome, 12> all_outcomes = {
    Outcome::pending,     Outcome::done,      Outcome::no_text,    Outcome::encrypted,
    Outcome::corrupt,     Outcome::crashed,   Outcome::timed_out,  Outcome::out_of_memory,
    Outcome::unsupported, Outcome::too_large, Outcome::unreadable, Outcome::failed};

// The outcome's name in the ledger, in JSON and on the command line.
std::string_view name_of(Outcome outcome);
std::optional<Outcome> outcome_named(std::string_view name);

// A failure is what a person may want to look at or retry. A scan without text is not one: it was
// read completely, and a retry would give the same.
constexpr bool is_failure(Outcome outcome) {
  return outcome != Outcome::done && outcome != Outcome::no_text && outcome != Outcome::pending;
}

// A document that was done has a message only if something that it holds is missing in its text: a
// page beyond a limit, a stream beyond repair.
constexpr bool is_warning(Outcome outcome, std::string_view message) {
  return outcome == Outcome::done && !message.empty();
}

// The default sentence for a person, e.g. "needs a password"; stages may say something closer.
std::string_view describe(Outcome outcome);

// What a person is told: what a stage said, or of a failure that it said nothing of, the sentence.
inline std::string_view told(Outcome outcome, std::string_view message) {
  return message.empty() && is_failure(outcome) ? describe(outcome) : message;
}

}  // namespace penstock
