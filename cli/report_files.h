// Reports as files, and the command in them that makes them again.
#pragma once

#include <functional>
#include <ostream>
#include <string>

namespace penstock {

// As a shell takes it for one word.
std::string shell_word(const std::string& word);

// Makes the folder `path` and those above it. Throws FatalError, also if nothing can be written
// there: before what is to be reported takes its time.
void make_report_folder(const std::string& path);
// Throws FatalError unless all of it is written.
void write_report(const std::string& folder, const std::string& name,
                  const std::function<void(std::ostream&)>& write);
void write_report(const std::string& folder, const std::string& name, const std::string& text);

}  // namespace penstock
