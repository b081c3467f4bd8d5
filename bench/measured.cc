#include "bench/measured.h"

void penstock_measured(const std::function<void()>& work) {
  work();
  asm volatile("" ::: "memory");  // so that it is a call, and no jump
}
