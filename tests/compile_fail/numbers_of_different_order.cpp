// SPDX-License-Identifier: Apache-2.0
// expect: proximal::number: numbers differentiated by different quantities cannot be mixed
#include <proximal/numeric/functions.hpp>
using namespace proximal;

constexpr auto x = number<double, 3>::variable<0>(1.0);
#ifdef CORRECT
constexpr auto y = number<double, 3>::variable<1>(2.0);
#else
constexpr auto y = number<double, 2>::variable<1>(2.0);
#endif
constexpr auto product = x * y;
