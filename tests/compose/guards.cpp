// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;

TEST_CASE("guards: the severest verdict holds, in either order") {
    step_summary const fine{}, wild{.approxkl = 0.0, .ratio = 11.0}, far{.approxkl = 1.0, .ratio = 11.0};
    auto const both = [&](auto const& guard) {
        CHECK(guard(fine) == verdict::take);
        CHECK(guard(wild) == verdict::skip);
        CHECK(guard(far) == verdict::stop);
    };
    both(guards(target_kl{}, ratio_guard{})), both(guards(ratio_guard{}, target_kl{}));
    CHECK(guards<>{}(far) == verdict::take);
}

TEST_CASE("guards: the fifth part of an algorithm, with its knobs") {
    auto guarded =
        algorithm{terminal_score{}, gae{}, clipped_surrogate{}, token_mean{}, guards(target_kl{0.5}, ratio_guard{})};
    std::vector<std::string> flags;
    visit_knobs(guarded, [&](std::string_view, auto const& knob, auto&) { flags.emplace_back(knob.name); });
    CHECK(flags == std::vector<std::string>{"gamma", "lam", "cliprange", "target_kl", "ratio_threshold"});
    CHECK(guarded.guard({.approxkl = 0.4}) == verdict::take);
}
