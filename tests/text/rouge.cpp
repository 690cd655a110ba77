// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/rouge.hpp>
#include <random>
#include <string>
#include <vector>

using namespace proximal::text;

TEST_CASE("rouge_words: runs of letters and digits, in lower case") {
    CHECK(rouge_words("The cat's 2nd HAT.") == std::vector<std::string>{"the", "cat", "s", "2nd", "hat"});
    CHECK(rouge_words("caf\xc3\xa9-bar_x") == std::vector<std::string>{"caf", "bar", "x"});
    CHECK(rouge_words(" \n...").empty());
}

TEST_CASE("rouge_n: Lin's example, and repeated words counted as often as the text that has fewer") {
    CHECK(rouge_n("police kill the gunman", "police killed the gunman", 1).recall == 0.75);
    CHECK(rouge_n("police kill the gunman", "police killed the gunman", 2).recall == Approx(1.0 / 3.0));
    auto const repeated = rouge_n("the the the", "the cat the", 1);
    CHECK(repeated.precision == Approx(2.0 / 3.0));
    CHECK(repeated.recall == Approx(2.0 / 3.0));
    auto const uneven = rouge_n("a b", "a b c d", 1);
    CHECK((uneven.precision == 1.0 && uneven.recall == 0.5));
    CHECK(uneven.f1 == Approx(2.0 / 3.0));
    CHECK(rouge_n("one", "one", 2) == rouge_score{});  // no run of two words
}

TEST_CASE("rouge_l: the longest common run with gaps, Lin's example") {
    std::string const target = "police killed the gunman";
    CHECK(rouge_l("police kill the gunman", target).f1 == 0.75);
    CHECK(rouge_l("the gunman kill police", target).f1 == 0.5);
    CHECK(rouge_l("the gunman police killed", target).f1 == 0.5);
    auto const gaps = rouge_l("a x b y c", "a b c");
    CHECK(gaps.precision == Approx(0.6));
    CHECK(gaps.recall == 1.0);
    CHECK(rouge_l("", target) == rouge_score{});
    CHECK(rouge_l(target, "...") == rouge_score{});
}

TEST_CASE("rouge: laws that hold for any two texts") {
    std::mt19937 random(1);
    auto const text = [&] {
        std::string words;
        for (auto n = random() % 30; n > 0; --n) words += std::string(1, static_cast<char>('a' + random() % 6)) + ' ';
        return words;
    };
    for (int i = 0; i < 300; ++i) {
        auto const a = text(), b = text();
        for (auto const& [ab, ba] :
             {std::pair{rouge_n(a, b, 1), rouge_n(b, a, 1)}, std::pair{rouge_n(a, b, 2), rouge_n(b, a, 2)},
              std::pair{rouge_l(a, b), rouge_l(b, a)}}) {
            CHECK((ab.precision == ba.recall && ab.recall == ba.precision));  // the other way round
            CHECK(ab.f1 == Approx(ba.f1));
            CHECK((ab.f1 >= 0.0 && ab.f1 <= 1.0));
            CHECK(ab.f1 >= std::min(ab.precision, ab.recall) - 1e-12);
            CHECK(ab.f1 <= std::max(ab.precision, ab.recall) + 1e-12);
        }
        CHECK(rouge_l(a, b).recall <= rouge_n(a, b, 1).recall);  // order can only take away
        if (!rouge_words(a).empty()) CHECK(rouge_l(a, a) == rouge_score{1.0, 1.0, 1.0});
    }
}
