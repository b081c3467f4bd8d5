// The tables of a store file, and how older ones become current.
#pragma once

#include "engine/core/error.h"

namespace penstock {

class Database;

// Makes the tables, or migrates them; several processes may try at once. Throws FatalError if the
// file is another program's or of a newer penstock.
void bring_to_current_schema(Database& database);

// Throws FatalError unless the file is a store of exactly the current schema.
void require_current_schema(Database& database);

// Reads the whole file; an error names the first damage.
Result<void> check_integrity(Database& database);

}  // namespace penstock
