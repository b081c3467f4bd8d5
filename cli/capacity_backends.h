// The backends that a capacity run uses itself, from the options of `penstock worker`.
#pragma once

#include "loadgen/backends.h"

namespace penstock {

Backends capacity_backends();

}  // namespace penstock
