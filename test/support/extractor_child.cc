// The program that extraction tests run as children: nothing but a child.
#include "engine/stages/extract/extractor_pool.h"

int main(int argc, char** argv) {
  int exit_code = 2;
  penstock::run_extractor_child_if_asked(argc, argv, exit_code);
  return exit_code;
}
