// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/judge/win_rate.hpp>

#include "outcomes.hpp"

using namespace proximal::judge;
using judge_test::outcomes;

TEST_CASE("win_rate: a tie is half a win, a failure is left out; TRL's counts both as losses") {
    auto const counts = count(outcomes("WWWLTTFFF"));
    CHECK((counts.wins == 3 && counts.losses == 1 && counts.ties == 2 && counts.failures == 3));
    CHECK((counts.judged() == 6 && counts.total() == 9));
    CHECK(*win_rate(counts) == Approx(4.0 / 6.0));
    CHECK(*trl_win_rate(counts) == Approx(3.0 / 9.0));
    CHECK(*win_rate(count(outcomes("WWLL"))) == *trl_win_rate(count(outcomes("WWLL"))));
    CHECK_FALSE(win_rate(count(outcomes("FF"))).has_value());
    CHECK_FALSE(trl_win_rate(tally{}).has_value());
}

TEST_CASE("wilson_interval: published values, the ends of the scale, and nothing known of nothing") {
    auto const ten = wilson_interval(8, 10);  // 0.4902, 0.9433 in Brown, Cai and DasGupta's form
    CHECK(ten.low == Approx(0.4902).margin(1e-4));
    CHECK(ten.high == Approx(0.9433).margin(1e-4));
    auto const page = wilson_interval(647, 1000);
    CHECK(page.low == Approx(0.6169).margin(1e-4));
    CHECK(page.high == Approx(0.6760).margin(1e-4));
    CHECK(wilson_interval(0, 20).low == 0.0);
    CHECK(wilson_interval(0, 20).high == Approx(0.1611).margin(1e-4));
    CHECK(wilson_interval(20, 20).high == Approx(1.0));
    CHECK(wilson_interval(0, 0) == interval{0, 1});
}

TEST_CASE("bootstrap_interval: near Wilson's where there are many, and the same for one seed") {
    std::string marks(1000, 'L');
    for (std::size_t i = 0; i < 647; ++i) marks[i] = 'W';
    auto const values = points_of(outcomes(marks));
    auto const found = bootstrap_interval(values, 3), expected = wilson_interval(647, 1000);
    CHECK(found.low == Approx(expected.low).margin(0.004));
    CHECK(found.high == Approx(expected.high).margin(0.004));
    CHECK(bootstrap_interval(values, 3) == found);
    CHECK(bootstrap_interval(points_of(outcomes("WWW"))) == interval{1, 1});
    CHECK(bootstrap_interval({}) == interval{0, 1});
}

TEST_CASE("sign_test: exact binomial tails") {
    CHECK(sign_test(5, 0) == Approx(2.0 / 32.0));
    CHECK(sign_test(0, 5) == Approx(2.0 / 32.0));
    CHECK(sign_test(8, 2) == Approx(2.0 * (1 + 10 + 45) / 1024.0));
    CHECK(sign_test(3, 3) == 1.0);
    CHECK(sign_test(0, 0) == 1.0);
    CHECK(sign_test(647, 353) < 1e-15);
    CHECK(sign_test(647, 353) > 0.0);
}

TEST_CASE("compare: two models on the same prompts, whatever the order of their outcomes") {
    auto a = outcomes("WWWWWWWWLLF"), b = outcomes("LLLLLLLWWLW");
    auto const found = compare(a, b, 1);
    CHECK(found.pairs == 10);  // the failure is left out
    CHECK((found.better == 7 && found.worse == 1));
    CHECK(found.difference == Approx(0.6));
    CHECK(found.difference_interval.low > 0.0);
    CHECK(found.difference_interval.high <= 1.0);
    CHECK(found.bootstrap_p < 0.05);
    CHECK(found.sign_test_p == Approx(2.0 * (8 + 1) / 256.0));
    std::reverse(b.begin(), b.end());
    CHECK(compare(a, b, 1).difference == found.difference);
    CHECK(compare(b, a, 1).difference == Approx(-0.6));
}

TEST_CASE("compare: pairing sees what two intervals cannot, and no difference is none") {
    std::string easy_then_hard = std::string(500, 'W') + std::string(500, 'L'), better = easy_then_hard;
    for (std::size_t i = 500; i < 510; ++i) better[i] = 'W';
    auto const found = compare(outcomes(better), outcomes(easy_then_hard));
    CHECK(found.difference == Approx(0.01));
    CHECK(found.difference_interval.low > 0.0);  // each model's own interval is 0.06 wide
    CHECK(found.bootstrap_p < 0.01);
    auto const same = compare(outcomes("WLT"), outcomes("WLT"));
    CHECK((same.difference == 0.0 && same.bootstrap_p == 1.0 && same.sign_test_p == 1.0));
    auto const none = compare(outcomes("F"), outcomes("W"));
    CHECK((none.pairs == 0 && none.bootstrap_p == 1.0 && none.difference_interval == interval{-1, 1}));
}

TEST_CASE("compare: a pair judged twice is refused by its name") {
    auto twice = outcomes("WL");
    twice[1].id = twice[0].id;
    CHECK_THROWS_WITH(compare(twice, outcomes("WL")), Catch::Contains("the pair '0' was judged twice"));
}
