// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/proximal.hpp>

using namespace proximal;

TEST_CASE("assume_response_length: the longest response reaches the parts, however deep they stand") {
    auto whole = algorithm{chain(optionally(overlong_penalty{}, true), terminal_score{}), gae{}, clipped_surrogate{},
                           over_mini_batch<token_sum>{}};
    assume_response_length(whole, 40.0);
    int told = 0;
    visit_knobs(whole, [&](std::string_view, auto const& knob, auto const& value) {
        if (knob.name == "max_response_length" || knob.name == "loss_scale_factor") told += value == 40.0;
    });
    CHECK(told == 2);
}

TEST_CASE("check_response_length: knobs that could never act, or always would, are refused with both numbers") {
    auto const shaped = [](auto part) { return algorithm{chain(part, terminal_score{}), gae{}, clipped_surrogate{}}; };
    overlong_penalty const late{.max_response_length = 54.0, .overlong_buffer = 10.0};
    CHECK_NOTHROW(check_response_length(shaped(late), 54.0));
    CHECK_THROWS_WITH(
        check_response_length(shaped(late), 53.0),
        "--max_response_length is 54, and a response has 53 tokens at most: the whole penalty would never "
        "be due. Lower it, or raise --response_length.");
    minimum_length const strict{.min_response_length = 60.0};
    CHECK_NOTHROW(check_response_length(shaped(strict), 60.0));
    CHECK_THROWS_WITH(
        check_response_length(shaped(strict), 53.0),
        "--min_response_length is 60, and a response has 53 tokens at most: every one would be too short. "
        "Lower it, or raise --response_length.");
    CHECK_NOTHROW(check_response_length(shaped(optionally(strict, false)), 53.0));  // it takes no part
    CHECK_THROWS_WITH(check_response_length(shaped(optionally(strict, true)), 53.0), Catch::Contains("too short"));
}
