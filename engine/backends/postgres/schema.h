// The tables, and how older ones become current. All are in the schema `penstock`, and every
// statement says so: the search path is a session's setting, which a pooler does not keep, and what
// is in Supabase's `public` is open to its web interface.
#pragma once

#include <span>
#include <string>

namespace penstock {

class PostgresPool;

// Ledger, embeddings and vectors may live in different databases, so each has a version of its own.
// migrations[i] leads from version i to i + 1. Several processes may try at once. A database that
// is current already is only looked at, so that a user who may not make tables can use it. Throws
// FatalError if it is of a newer penstock, or may not be changed.
void bring_to_current_schema(PostgresPool& pool, const std::string& part,
                             std::span<const std::string> migrations);

// Throws FatalError unless the part is there, in this version.
void require_current_schema(PostgresPool& pool, const std::string& part, std::size_t version);

}  // namespace penstock
