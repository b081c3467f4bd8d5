// Where an index is served.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

struct IndexAddress {
  std::string origin;  // https://HOST[:PORT]
  std::string space;   // the namespace; empty: the index's default one
  std::string name;    // for messages: pinecone://HOST[:PORT][/NAMESPACE]
};

// Of pinecone://INDEX-HOST[:PORT][/NAMESPACE][?tls=off]. A host on this machine (the emulator) is
// spoken to without TLS, and so is one with ?tls=off. Throws FatalError for anything else.
IndexAddress index_address(std::string_view url);

}  // namespace penstock
