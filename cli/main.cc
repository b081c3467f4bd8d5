#include "engine/stages/extract/extractor_pool.h"

int main() { return 0; }
