#include "loadgen/soundness.h"

#include <cstdio>
#include <sstream>

#include "loadgen/child.h"
#include "loadgen/json_fields.h"

namespace penstock {
namespace {

// As fsck says it: a version that nobody asks for any more, or more of one than there is.
bool is_too_much(const std::string& finding) {
  unsigned long long expected = 0;
  unsigned long long stored = 0;
  return finding.ends_with("not current") ||
         (std::sscanf(finding.c_str(), "%llu chunks expected; stored are %llu chunks", &expected,
                      &stored) == 2 &&
          stored > expected);
}

}  // namespace

Soundness find_soundness(const Premises& premises, const StorePlace& store,
                         const std::string& key_prefix) {
  Child fsck({premises.program, "fsck", "--json"}, store.environment(),
             premises.folder.file("fsck.log"));
  fsck.wait();
  Soundness soundness;
  std::istringstream lines(fsck.output());
  bool has_summary = false;
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line, nullptr, false);
    has_summary = has_summary || text_in(event, "event") == "fsck";
    if (text_in(event, "event") != "finding") continue;
    const std::string key = text_in(event, "key");
    if (!key.starts_with(key_prefix)) continue;
    const std::string what = text_in(event, "what");
    soundness.findings.push_back(key + ": " + what);
    if (is_too_much(what)) ++soundness.stored_twice;
  }
  if (!has_summary) soundness.findings.push_back("fsck did not end: " + fsck.output());
  return soundness;
}

}  // namespace penstock
