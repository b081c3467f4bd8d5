// What callgrind counts.
#pragma once

#include <functional>

// Calls `work`. By its name callgrind is told when to count; in a file of its own, or compilers
// make copies of it with other names.
extern "C" void penstock_measured(const std::function<void()>& work);
