// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;

TEST_CASE("adaptive_kl: hand numbers of Ziegler's rule") {
    adaptive_kl control{.kl_coef = 0.2, .kl_target = 6.0, .kl_horizon = 1000.0};
    control.observe(6.6, 100.0);  // e = 0.1
    CHECK(control.coefficient() == Approx(0.2 * 1.01));
    control.observe(60.0, 100.0);  // e is clipped to 0.2
    CHECK(control.coefficient() == Approx(0.2 * 1.01 * 1.02));
    control.observe(-3.0, 100.0);  // and to −0.2
    CHECK(control.coefficient() == Approx(0.2 * 1.01 * 1.02 * 0.98));
    double const before = control.coefficient();
    control.observe(6.0, 100.0), control.observe(support::NaN, 100.0);
    CHECK(control.coefficient() == before);
    CHECK(control.kl_coef == 0.2);  // the knob is what the user chose
    adaptive_kl eager{.kl_coef = 1.0, .kl_target = 6.0, .kl_horizon = 10.0};
    for (int i = 0; i < 100; ++i) eager.observe(0.0, 1e6);
    CHECK(eager.coefficient() > 0.0);  // a horizon shorter than a batch never turns the penalty into a prize
    CHECK_THROWS_WITH(validate(adaptive_kl{.kl_target = 0.0}), "--kl_target must be above 0, but is 0.");
}
