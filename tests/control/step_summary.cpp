// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;

TEST_CASE("step_summary: unless something is said the policy has not moved, and every guard takes the step") {
    CHECK((step_summary{}.approxkl == 0.0 && step_summary{}.ratio == 1.0));
    CHECK(target_kl{}(step_summary{}) == verdict::take);
    CHECK(ratio_guard{}(step_summary{}) == verdict::take);
}

TEST_CASE("step_summary: verdicts stand in the order of their severity") {
    CHECK((verdict::take < verdict::skip && verdict::skip < verdict::stop));
}
