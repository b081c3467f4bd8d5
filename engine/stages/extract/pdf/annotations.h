// What annotations and form fields show on a page (ISO 32000-1, 12.5 and 12.7).
#pragma once

#include <poppler/Object.h>

#include "engine/stages/extract/pdf/interpreter.h"
#include "engine/stages/extract/pdf/resources.h"

namespace penstock::pdf {

// Shows the appearances of the page's annotations; of a field or a note that has none, its text.
// Between begin_page() of the interpreter and the next one.
void show_annotations(const Object& page_dictionary, ResourceStore& store, Interpreter& interpreter,
                      Warning& warning);

}  // namespace penstock::pdf
