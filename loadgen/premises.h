// What a run has for a system that it starts: a folder, programs, and a provider to embed with.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/child.h"
#include "loadgen/emulated_provider.h"
#include "loadgen/run_folder.h"

namespace penstock {

// Where ledger and vectors are, as the options of these names of all commands; a part that is empty
// has its default.
struct StorePlace {
  std::string store;
  std::string ledger;
  std::string vectors;

  // NAME=VALUE: goes before what a user set for other commands, and shows nobody a password.
  std::vector<std::string> environment() const;
};

struct Premises {
  // `program`: this one's path. Throws FatalError when something of it does not start. From the
  // thread that ends last.
  Premises(const Profile& profile, const std::string& program_path, bool keep);

  // For people: of the provider, and of the folder if it is kept.
  std::string description() const;
  // In the folder.
  StorePlace store() const { return {folder.file("penstock.db"), {}, {}}; }

  const std::string program;
  const bool is_kept;
  const RunFolder folder;
  std::optional<EmulatedProvider> provider;  // absent: lexical:
};

// Where both share a machine the generator goes first. It needs little, and what it is late by
// would be taken for the system's.
void let_generator_go_first(const Child& system);

// The value of an option that some arguments have, "--NAME VALUE" or "--NAME=VALUE", by any of its
// names; the last counts. Absent: none has it.
std::optional<std::string> option_in(const std::vector<std::string>& arguments,
                                     std::initializer_list<std::string_view> names);
// The value of --concurrency, or of its other name; `otherwise`: without one.
std::uint32_t concurrency_in(const std::vector<std::string>& arguments, std::uint32_t otherwise);

}  // namespace penstock
