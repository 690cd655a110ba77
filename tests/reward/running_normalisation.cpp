// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using namespace proximal;
using support::column, support::difference, support::of_scores, support::tolerance;

TEMPLATE_TEST_CASE("running_normalisation: hand numbers; only run_and_adapt teaches", "", BACKENDS) {
    running_normalisation part;
    CHECK(difference(part(of_scores<TestType>({1, 5})).scores, column<TestType>({1, 5})) < 1e-7);  // nothing seen yet
    double const root = std::sqrt(8.0) + 1e-8;
    auto const taught = run_and_adapt(part, of_scores<TestType>({1, 5}));
    CHECK(difference(taught.scores, column<TestType>({-2 / root, 2 / root})) < tolerance);
    CHECK(difference(part(of_scores<TestType>({3, 7})).scores, column<TestType>({0, 4 / root})) < tolerance);
}
