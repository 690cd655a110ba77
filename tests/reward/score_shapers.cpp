// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::column, support::difference, support::grid, support::tolerance;

namespace {

/// Lengths 0, 1, 2, 4; the last two ended themselves.
template <class Array>
rollout<Array> four() {
    return {.rewards = grid<Array>({{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}}),
            .mask = grid<Array>({{0, 0, 0, 0}, {1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 1}}),
            .value_mask = grid<Array>({{1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 0}, {1, 1, 1, 1}}),
            .scores = column<Array>({-4, 1, 2, 8}),
            .has_eos = column<Array>({0, 0, 1, 1})};
}
template <class Array>
double error(auto const& part, std::initializer_list<double> expected) {
    auto const shaped = part(four<Array>());
    CHECK(difference(shaped.rewards, four<Array>().rewards) == 0.0);
    return difference(shaped.scores, column<Array>(expected));
}

}  // namespace

TEMPLATE_TEST_CASE("score shapers: hand numbers", "", BACKENDS) {
    CHECK(error<TestType>(missing_eos_penalty{1.5}, {-5.5, -0.5, 2, 8}) == 0.0);
    CHECK(error<TestType>(missing_eos_score{-1.0}, {-1, -1, 2, 8}) == 0.0);
    CHECK(error<TestType>(missing_eos_scale{0.25}, {-1, 0.25, 2, 8}) == 0.0);
    CHECK(error<TestType>(score_clip{2.5}, {-2.5, 1, 2, 2.5}) == 0.0);
    CHECK(error<TestType>(length_penalty{0.5}, {-4, 0.5, 1, 6}) == 0.0);
    CHECK(error<TestType>(minimum_length{.min_response_length = 2, .short_response_score = -3}, {-3, -3, 2, 8}) == 0.0);
    CHECK(error<TestType>(overlong_penalty{.max_response_length = 3, .overlong_buffer = 2, .overlong_factor = 4},
                          {-4, 1, 0, 4}) == 0.0);  // free to 1, half at 2, all from 3 on
    CHECK(error<TestType>(unshaped{}, {-4, 1, 2, 8}) == 0.0);
}

TEMPLATE_TEST_CASE("score shapers: laws", "", BACKENDS) {
    auto const rollout = as<TestType>(support::random_batch(26, 12, 9).rollout);
    auto const scores = [&](auto const& part) { return part(rollout).scores; };
    auto const same = [&](auto const& part) { return difference(scores(part), rollout.scores) == 0.0; };
    CHECK(same(missing_eos_scale{1.0}));
    CHECK(same(score_clip{1e9}));
    CHECK(same(length_penalty{0.0}));
    CHECK(same(minimum_length{.min_response_length = 0}));
    CHECK(same(overlong_penalty{.max_response_length = 100, .overlong_buffer = 10}));
    CHECK(same(chain(unshaped{}, unshaped{})));
    CHECK(difference(scores(chain(score_clip{0.5}, score_clip{0.5})), scores(score_clip{0.5})) == 0.0);
    CHECK(difference(scores(chain(unshaped{}, missing_eos_score{})), scores(missing_eos_score{})) == 0.0);
    CHECK(
        difference(scores(overlong_penalty{.max_response_length = 1e-9, .overlong_buffer = 1e-9, .overlong_factor = 2}),
                   rollout.scores - 2.0 * (row_sum(rollout.mask) > 0.0)) < tolerance);
}

TEST_CASE("score shapers: Eigen and tensors agree; no model is needed") {
    auto const batch = support::random_batch(26, 12, 10).rollout;
    auto const all =
        chain(missing_eos_score{}, missing_eos_scale{0.5}, score_clip{1.0}, length_penalty{0.1},
              minimum_length{.min_response_length = 5},
              overlong_penalty{.max_response_length = 10, .overlong_buffer = 4}, unshaped{}, terminal_score{});
    CHECK(difference(all(as<support::field>(batch)).rewards, all(batch).rewards) < tolerance);
    using algorithm_with_all = decltype(algorithm{all, gae{}, clipped_surrogate{}});
    STATIC_REQUIRE_FALSE(needs_reference<algorithm_with_all>);
    STATIC_REQUIRE(sources_of<algorithm_with_all>().reads(source::has_eos));
}

TEST_CASE("score shapers: a knob outside its range is refused by its flag") {
    CHECK_THROWS_WITH(validate(score_clip{0.0}), "--score_clip must be above 0, but is 0.");
    CHECK_THROWS_WITH(validate(length_penalty{-1.0}), "--length_penalty must be at least 0, but is -1.");
    CHECK_THROWS_WITH(validate(missing_eos_scale{2.0}), "--missing_eos_scale must be in [0, 1], but is 2.");
}
