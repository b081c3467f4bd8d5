// What every catalog must do (engine/io/catalog.h).
#pragma once

#include <functional>
#include <memory>

#include "engine/io/catalog.h"

namespace penstock {

// Opens the same catalog again each time it is called, after the one before was closed or not.
using OpenCatalog = std::function<std::unique_ptr<Catalog>()>;

// `fresh` gives a way to open a new, empty catalog.
void run_catalog_contract(const std::function<OpenCatalog()>& fresh);

}  // namespace penstock
