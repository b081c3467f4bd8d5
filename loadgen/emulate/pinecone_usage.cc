#include "loadgen/emulate/pinecone_usage.h"

#include <nlohmann/json.hpp>

namespace penstock {

std::string usage_json(const PineconeUsage& usage) {
  using Json = nlohmann::ordered_json;
  Json requests = Json::object();
  for (std::size_t i = 0; i < usage.requests.size(); ++i)
    requests[std::string(pinecone_operation_names[i])] = usage.requests[i];
  Json faults = Json::object();
  for (const FaultKind kind : answer_fault_kinds)
    faults[std::string(name_of(kind))] = usage.faults[static_cast<std::size_t>(kind)];
  return Json{{"requests", requests},
              {"answered", usage.answered},
              {"rate_limited", usage.rate_limited},
              {"refused", usage.refused},
              {"faults", faults},
              {"upserted", usage.upserted},
              {"max_upsert_bytes", usage.upsert_bytes_max},
              {"max_upsert_records", usage.upsert_records_max},
              {"records", usage.records}}
             .dump() +
         "\n";
}

}  // namespace penstock
