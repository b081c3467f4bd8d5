// What every ledger must do (engine/io/ledger.h).
#pragma once

#include <functional>
#include <memory>

#include "engine/io/ledger.h"

namespace penstock {

// Opens the same ledger again each time it is called, after the one before was closed.
using OpenLedger = std::function<std::unique_ptr<Ledger>()>;

// `fresh` gives a way to open a new, empty ledger.
void run_ledger_contract(const std::function<OpenLedger()>& fresh);

}  // namespace penstock
