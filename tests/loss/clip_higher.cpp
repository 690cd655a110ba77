// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge, support::of_ratio;

TEST_CASE("clip_higher: hand numbers, slopes, backends") {
    clip_higher const loss{.cliprange_low = 0.25, .cliprange_high = 0.5};
    CHECK(judge(loss, of_ratio(1.4, 2.0)).d_logprob == Approx(-2.8));  // within the wider upper range
    CHECK(judge(loss, of_ratio(1.6, 2.0)).loss == Approx(-3.0));
    CHECK(judge(loss, of_ratio(1.6, 2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_ratio(1.6, 2.0)).metrics == std::vector<double>{judge(loss, of_ratio(1.6, 2.0)).loss, 1.0});
    CHECK(judge(loss, of_ratio(0.7, -2.0)).loss == Approx(1.5));
    CHECK(judge(loss, of_ratio(0.7, -2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_ratio(0.8, -2.0)).d_logprob == Approx(1.6));
    check_finite_differences(loss), check_backends(loss);
}

TEST_CASE("clip_higher: with equal ranges it is clipped_surrogate") {
    for (double advantage : {-1.5, 0.0, 1.5})
        for (double ratio : {0.5, 0.8, 1.0, 1.1, 1.2, 2.0}) {
            auto const a = judge(clip_higher{.cliprange_low = 0.2, .cliprange_high = 0.2}, of_ratio(ratio, advantage));
            auto const b = judge(clipped_surrogate{.cliprange = 0.2}, of_ratio(ratio, advantage));
            CHECK((a.loss == b.loss && a.d_logprob == b.d_logprob && a.metrics == b.metrics));
        }
}

TEST_CASE("clip_higher: at ρ = 1 it has REINFORCE's gradient") { support::check_reinforce_slope(clip_higher{}); }
