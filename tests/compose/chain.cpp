// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::tolerance;

TEST_CASE("chain: score shapers one after another: Eigen and tensors agree; no model is needed") {
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
