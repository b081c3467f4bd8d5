// The command line, read once: one plain struct per command, and nothing of the parser in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/stages/extract/extractor_kind.h"

namespace penstock {

struct StoreOptions {
  std::string store = "penstock.db";
  std::string ledger;   // empty: in `store`
  std::string vectors;  // empty: in `store`
};

// Where objects are, for s3://; credentials are in the environment only.
struct ObjectOptions {
  std::string endpoint;  // empty: AWS
  std::string region = "us-east-1";
};

struct SourceOptions {
  std::vector<std::string> sources;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

struct FleetOptions {
  std::string queue_url;  // empty: no fleet
  std::string queue = "default";
};

struct EmbedderOptions {
  std::string url = "lexical:";
  std::string model = "text-embedding-3-small";
  std::uint32_t dimensions = 0;           // 0: the model's own
  std::vector<std::string> keys;          // NAME, NAME:RPM or NAME:RPM:TPM
  std::string keys_file;                  // empty: secrets are in the environment
  std::uint64_t requests_per_minute = 0;  // of each key that says nothing else; 0: not known
  std::uint64_t tokens_per_minute = 0;    // likewise
  double interactive_share = 0;           // of every limit, that bulk leaves alone
  std::uint32_t requests_in_flight = 64;
  std::uint32_t request_inputs = 128;
  std::uint64_t request_tokens = 300'000;
  std::uint32_t request_timeout_s = 60;
};

struct EngineOptions {
  EmbedderOptions embedder;
  std::optional<std::uint64_t> tokens_max;  // of this run, to embed
  std::optional<double> cost_max;           // likewise, at price_per_million
  std::optional<double> price_per_million;
  std::uint64_t embedding_cache_bytes = 8ull << 30;
  std::string encoding = "cl100k_base";
  std::uint32_t chunk_tokens = 512;
  std::uint32_t overlap_tokens = 64;
  std::string extractor = std::string(name_of(default_extractor));
  std::uint32_t extractors = 0;  // 0: one a core
  std::uint32_t document_timeout_s = 60;
  std::uint64_t document_memory = 512ull << 20;
  std::uint64_t document_bytes = 256ull << 20;
  std::uint32_t documents_in_flight = 64;
  std::uint64_t bytes_in_flight = 64ull << 20;
  ObjectOptions objects;
};

struct BackfillOptions {
  StoreOptions store;
  EngineOptions engine;
  SourceOptions sources;
  bool prune = false;
  bool dry_run = false;
  bool json = false;
};

struct EnqueueOptions {
  FleetOptions fleet;
  SourceOptions sources;
  ObjectOptions objects;
  std::string lane = "bulk";
  std::uint64_t documents_max = 1'000'000;
  bool json = false;
};

// How a worker deals with the queue.
struct QueueOptions {
  std::uint32_t lease_s = 30;
  std::uint32_t attempts_max = 4;
  std::uint32_t backoff_s = 2;
  std::uint32_t drain_timeout_s = 25;
};

struct WorkerOptions {
  StoreOptions store;
  EngineOptions engine;
  FleetOptions fleet;
  QueueOptions queue;
  bool until_empty = false;
  bool json = false;
};

struct ServeOptions {
  StoreOptions store;
  EngineOptions engine;
  FleetOptions fleet;  // without a URL: a queue in the store's file
  QueueOptions queue;
  std::string listen = "127.0.0.1:8080";
  std::string certificate_file;
  std::string key_file;
  std::string api_keys;  // empty: no API keys
  std::string blobs;     // empty: a folder beside the store's file
  std::string region;
  std::optional<std::uint32_t> workers;  // absent: 1 with a queue in a file, else 0
  std::uint64_t interactive_depth = 5'000;
  std::uint64_t bulk_depth = 500'000;
  std::uint32_t interactive_age_s = 600;
  bool json = false;
};

struct KeysAddOptions {
  std::string api_keys;
  std::string tenant;
  std::vector<std::string> scopes;  // empty: all
  std::uint64_t requests_per_minute = 0;
  std::uint64_t document_bytes = 0;
  bool json = false;
};

struct KeysListOptions {
  std::string api_keys;
  bool json = false;
};

struct KeysRemoveOptions {
  std::string api_keys;
  std::string id;
};

struct SearchOptions {
  StoreOptions store;
  EmbedderOptions embedder;
  std::string query;
  std::uint32_t hits = 5;
  std::string path_glob;  // empty: everywhere
  bool json = false;
};

struct StatusOptions {
  StoreOptions store;
  FleetOptions fleet;
  bool failed = false;
  bool warnings = false;
  std::vector<std::string> outcomes;
  bool json = false;
};

struct RetryOptions {
  StoreOptions store;
  FleetOptions fleet;
  EngineOptions engine;
  bool failed = false;
  std::vector<std::string> outcomes;
  std::vector<std::string> keys;
  bool json = false;
};

struct ExportOptions {
  StoreOptions store;
  std::string path_glob;  // empty: everywhere
  bool documents_only = false;
};

struct FsckOptions {
  StoreOptions store;
  EngineOptions engine;
  bool repair = false;
  bool json = false;
};

struct DoctorOptions {
  StoreOptions store;
  FleetOptions fleet;
  EmbedderOptions embedder;
  bool json = false;
};

struct CapacityOptions {
  std::string profile;
  std::string report;                 // empty: no files
  std::optional<std::uint64_t> seed;  // absent: the profile's
  bool keep = false;
  bool json = false;
};

struct GateOptions {
  std::string baseline;
  std::string candidate;
  std::vector<std::string> micro;  // both, of Google Benchmark; empty: of penstock, above
  std::string profile;             // empty: the built-in job
  std::string report;              // empty: no files
  std::string history;             // empty: none
  std::uint64_t seed = 1;
  std::uint32_t pairs_max = 30;
  bool accept_content = false;
  bool json = false;
};

// What all emulated services have.
struct EmulatorOptions {
  std::string listen;
  std::string latency;
  double faults = 0;
  std::vector<std::string> fault_kinds;  // empty: all
  std::uint64_t seed = 1;
  bool json = false;
};

struct EmulateOpenAiOptions {
  EmulatorOptions emulator{.listen = "127.0.0.1:8089", .latency = "50ms-800ms"};
  std::uint64_t requests_per_minute = 3'000;
  std::uint64_t tokens_per_minute = 90'000;
  std::vector<std::string> keys;  // NAME:RPM:TPM
  std::string poison;
  std::string poison_500;
};

struct EmulatePineconeOptions {
  EmulatorOptions emulator{.listen = "127.0.0.1:8090", .latency = "20ms-300ms"};
  std::string api_key;  // empty: any
  std::uint32_t dimensions = 1'536;
  std::string visibility = "100ms-2s";
  std::uint64_t upserts_per_second = 100;
  std::uint64_t bytes_per_second = 50ull << 20;
};

struct EmulateS3Options {
  EmulatorOptions emulator{.listen = "127.0.0.1:8091", .latency = "5ms-100ms"};
  std::string folder;  // empty: in memory
  std::vector<std::string> buckets;
  std::string region = "us-east-1";
  std::string access_key = "penstock";
  std::string secret_key = "rehearsal";
};

using Command =
    std::variant<BackfillOptions, EnqueueOptions, WorkerOptions, SearchOptions, ServeOptions,
                 KeysAddOptions, KeysListOptions, KeysRemoveOptions, StatusOptions, ExportOptions,
                 RetryOptions, FsckOptions, DoctorOptions, CapacityOptions, GateOptions,
                 EmulateOpenAiOptions, EmulatePineconeOptions, EmulateS3Options>;

// The command that argv asks for, with values from flags, then PENSTOCK_* variables, then
// penstock.toml in the current folder. Absent: nothing is left to do (--help, --version, a usage
// error, all of them printed), and the process ends with `exit_code`.
std::optional<Command> parse_command_line(int argc, char** argv, int& exit_code);

}  // namespace penstock
