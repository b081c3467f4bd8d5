// Options that several commands have.
#pragma once

#include <cstdint>
#include <string>

#include "cli/options.h"

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace penstock {

void add_json(CLI::App& app, bool& json, const std::string& help);
// As CLI::Range, which takes what is not a number (nan) for within every range.
CLI::Validator within(double least, double most);
// Bytes, which may be written with K, M or G.
CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                      const std::string& help, const std::string& group = "Limits");

void add_store(CLI::App& app, StoreOptions& options);
void add_objects(CLI::App& app, ObjectOptions& options);
void add_sources(CLI::App& app, SourceOptions& options);
// Returns --queue.
CLI::Option* add_fleet(CLI::App& app, FleetOptions& options);
// What `worker` and `serve` have of it.
void add_queue(CLI::App& app, QueueOptions& options);
void add_embedder(CLI::App& app, EmbedderOptions& options);
// With the embedder and the objects. `in_flight`: names of the option that bounds documents in
// work.
void add_engine(CLI::App& app, EngineOptions& options,
                const std::string& in_flight = "--documents-in-flight");

}  // namespace penstock
