// Transformations (ISO 32000-1, 8.3.3): [x y 1] times a b 0 / c d 0 / e f 1.
#pragma once

namespace penstock::pdf {

struct Matrix {
  double a = 1, b = 0, c = 0, d = 1, e = 0, f = 0;

  // First this, then `next`.
  Matrix then(const Matrix& next) const {
    return {a * next.a + b * next.c,          a * next.b + b * next.d,
            c * next.a + d * next.c,          c * next.b + d * next.d,
            e * next.a + f * next.c + next.e, e * next.b + f * next.d + next.f};
  }
  // Its own origin moved by (x, y) in the space before it.
  void translate(double x, double y) {
    e += x * a + y * c;
    f += x * b + y * d;
  }
};

}  // namespace penstock::pdf
