// The shared budget's rules, as the server runs them: test/support/memory_budget.cc in Lua.
#pragma once

namespace penstock {

extern const char* const lease_script;

}  // namespace penstock
