#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <istream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command_options.h"
#include "cli/exit_codes.h"

namespace penstock {
namespace {

constexpr const char* exit_code_help =
    "Exit codes: 0 done; 1 fatal, the message says what to do; 2 usage; 3 finished, but some\n"
    "documents failed; 10, 12 and 13 are of capacity; 130 stopped early, by an interrupt or a "
    "budget, after what was in flight\n"
    "was finished: run it again to go on.";

// To CLI11 every # begins a comment, in a quoted path or URL, too: what follows would be cut off
// without a word.
std::string without_comments(std::istream& input) {
  std::string kept;
  for (std::string line; std::getline(input, line);) {
    char quote = '\0';
    const auto end = std::ranges::find_if(line, [&quote](char c) {
      if (quote == '\0' && (c == '"' || c == '\''))
        quote = c;
      else if (c == quote)
        quote = '\0';
      return c == '#' && quote == '\0';
    });
    kept.append(line.begin(), end).append("\n");
  }
  return kept;
}

// CLI11 asks the environment only for what the file leaves open; ours is the other way round.
class FileBelowEnvironment final : public CLI::ConfigTOML {
 public:
  FileBelowEnvironment() { commentChar = '\n'; }  // which no line has: no comment is left

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::istringstream lines(without_comments(input));
    std::vector<CLI::ConfigItem> entries = CLI::ConfigTOML::from_config(lines);
    std::erase_if(entries, [](const CLI::ConfigItem& entry) {
      std::string name = "PENSTOCK_" + entry.name;
      std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      });
      return getenv(name.c_str()) != nullptr;
    });
    return entries;
  }
};

struct Parsed {
  CLI::App* command;
  std::function<Command()> options;
};

}  // namespace

std::optional<Command> parse_command_line(int argc, char** argv, int& exit_code) {
  CLI::App app{
      "Feeds documents through extraction, chunking, embedding and storage, as fast as "
      "the limits allow."};
  app.name("penstock");
  app.set_version_flag("--version", "penstock " PENSTOCK_VERSION);
  app.set_config("--config", "penstock.toml", "File with options, one section a command");
  app.config_formatter(std::make_shared<FileBelowEnvironment>());
  // A misspelt option would otherwise be its default, without a word.
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.require_subcommand(1);
  app.footer(exit_code_help);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    std::string words = error.what();
    constexpr std::string_view unknown_in_file = "INI was not able to parse ";
    if (words.starts_with(unknown_in_file))
      words.replace(0, unknown_in_file.size(), "the configuration file has an unknown option ");
    return "penstock: " + words + "; see penstock --help\n";
  });

  std::vector<Parsed> commands;
  const auto add = [&commands](CLI::App& parent, auto& options) {
    commands.push_back({&add_command(parent, options), [&options] { return Command(options); }});
  };
  BackfillOptions backfill;
  EnqueueOptions enqueue;
  WorkerOptions worker;
  ServeOptions serve;
  SearchOptions search;
  StatusOptions status;
  ExportOptions export_options;
  RetryOptions retry;
  FsckOptions fsck;
  DoctorOptions doctor;
  add(app, backfill);
  add(app, enqueue);
  add(app, worker);
  add(app, serve);
  add(app, search);
  add(app, status);
  add(app, export_options);
  add(app, retry);
  add(app, fsck);
  add(app, doctor);
  CapacityOptions capacity;
  add(app, capacity);
  GateOptions gate;
  add(app, gate);
  CLI::App& keys = *app.add_subcommand("keys", "API keys of a service, in a file");
  keys.require_subcommand(1);
  KeysAddOptions keys_add;
  KeysListOptions keys_list;
  KeysRemoveOptions keys_remove;
  add(keys, keys_add);
  add(keys, keys_list);
  add(keys, keys_remove);
  CLI::App& emulate =
      *app.add_subcommand("emulate", "Runs a service on this machine to rehearse a backfill with");
  emulate.require_subcommand(1);
  EmulateOpenAiOptions emulate_openai;
  EmulatePineconeOptions emulate_pinecone;
  EmulateS3Options emulate_s3;
  add(emulate, emulate_openai);
  add(emulate, emulate_pinecone);
  add(emulate, emulate_s3);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? exit_done : exit_usage;
    return std::nullopt;
  }
  // One was, since one is required.
  const auto parsed =
      std::ranges::find_if(commands, [](const Parsed& each) { return each.command->parsed(); });
  return parsed->options();
}

}  // namespace penstock
