// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>
#include <proximal/judge/score_judge.hpp>

using namespace proximal;
using namespace proximal::judge;

namespace {
/// Scores an answer by the number that it is; "none" has no score.
std::vector<run::text_score> read_scores(std::vector<text::text_episode> const& episodes) {
    std::vector<run::text_score> scores;
    for (auto const& episode : episodes) {
        if (episode.response == "die") throw std::runtime_error("the scorer died");
        scores.push_back(
            {.score = episode.response == "none" ? std::nullopt : std::optional(std::stod(episode.response))});
    }
    return scores;
}
std::vector<answer_pair> scored_pairs(std::vector<std::pair<std::string, std::string>> const& answers) {
    std::vector<answer_pair> pairs;
    for (auto const& [model, reference] : answers)
        pairs.push_back({std::to_string(pairs.size()), "p", model, reference});
    return pairs;
}
}  // namespace

TEST_CASE("judge_by_scores: the higher score wins, equal ones tie, none is a failure") {
    auto const pairs = scored_pairs({{"2", "1"}, {"1", "2"}, {"1", "1"}, {"none", "0"}, {"0", "nan"}, {"inf", "0"}});
    for (std::int64_t const batch : {1, 4, 64}) {
        auto const judged = judge_by_scores(pairs, read_scores, {}, batch);
        CHECK(count(judged.outcomes) == tally{.wins = 1, .losses = 1, .ties = 1, .failures = 3});
        CHECK(judged.outcomes[3].why == "the scorer gave the model's answer no finite score");
        CHECK(judged.outcomes[4].why == "the scorer gave the reference no finite score");
        CHECK(judged.stopped.empty());
    }
}

TEST_CASE("judge_by_scores: a scorer that dies ends it, and the batches before are kept") {
    auto pairs = scored_pairs({{"2", "1"}, {"2", "1"}, {"die", "1"}, {"2", "1"}});
    std::int64_t shown = 0;
    judging_options options;
    options.progress = [&](std::int64_t done, std::int64_t total, tally const&) { shown = total == 4 ? done : -1; };
    auto const judged = judge_by_scores(pairs, read_scores, options, 2);
    CHECK(judged.stopped == "the scorer died");
    CHECK((count(judged.outcomes) == tally{.wins = 2} && shown == 2));
    auto const few = judge_by_scores(pairs, [](auto const&) { return std::vector<run::text_score>(1); });
    CHECK(few.stopped == "the scorer gave 1 scores for 8 answers: one for each is wanted");
    pairs[1].id = pairs[0].id;
    CHECK_THROWS_AS(judge_by_scores(pairs, read_scores), std::invalid_argument);
}

TEST_CASE("rouge_l_scorer: against the target where there is one, else against the prompt") {
    std::vector<answer_pair> const pairs{
        {"to the target", "x y z", "the cat sat", "x y z", "the cat sat down"},
        {"to the prompt", "x y z", "the cat sat", "x y z", ""},
    };
    auto const judged = judge_by_scores(pairs, rouge_l_scorer());
    CHECK(judged.outcomes[0].result == verdict::win);
    CHECK(judged.outcomes[1].result == verdict::loss);
}
