// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <proximal/lm/reward/command_reward.hpp>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/reward/weighted_reward.hpp>
#include <proximal/text/bpe_trainer.hpp>

#include "../../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::text;
using namespace proximal::lm;
using Catch::Contains;

namespace {

tokenizer const& tiny_words() {
    static tokenizer const made = train_bpe(std::vector<std::string>{"a rose is a rose"}, {.vocabulary_size = 262});
    return made;
}
finished_episode episode(std::string const& prompt, std::string const& response) {
    std::vector<finished_episode> one{{tiny_words().encode(prompt), tiny_words().encode(response)}};
    one[0].response.push_back(*tiny_words().eos_token_id());
    with_text(one, tiny_words(), {});
    return one[0];
}
std::vector<finished_episode> const& answered() {
    static std::vector<finished_episode> const three{episode("abc", "x"), episode("a\nb", "é \"rose\""),
                                                     episode("a", "")};
    return three;
}
at::Tensor doubles(std::vector<double> const& x) { return at::tensor(x, at::kDouble); }
double lengths(std::string const& prompt, std::string const& response) {
    return double(prompt.size()) - 0.5 * double(response.size());
}

}  // namespace

TEST_CASE("command_reward: a program's scores are those of the same rule in C++, special tokens left out") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "score.py") << "import json, sys\n"
                                               "for line in sys.stdin:\n"
                                               "    e = json.loads(line)\n"
                                               "    if e['response'] == 'x y': sys.exit(5)\n"
                                               "    size = lambda text: len(text.encode())\n"
                                               "    print(size(e['prompt']) - 0.5 * size(e['response']), flush=True)\n";
    auto const reward = command_reward("python3 " + (folder.path / "score.py").string());
    auto const expected = text_reward(lengths)(answered()).scores;
    CHECK(at::equal(expected, doubles({2.5, -1.5, 1.0})));
    CHECK(at::equal(reward(answered()).scores, expected));
    auto const copy = reward;
    CHECK(at::equal(copy(answered()).scores, expected));
    CHECK(reward({}).scores.sizes() == at::IntArrayRef{0});
    CHECK_THROWS_WITH(reward({episode("a", "b"), episode("a", "x y")}),
                      Contains("exited with status 5 before it answered line 2 of 2"));
    CHECK(at::equal(reward(answered()).scores, expected));
    CHECK_THROWS_WITH(command_reward("no-such-scorer"), Contains("no-such-scorer cannot be started"));
}

TEST_CASE("weighted_reward: a weighted sum, in double, of rewards of any dtype") {
    auto const one = text_reward(lengths);
    reward_function const two = [](auto const& e) { return at::arange(std::int64_t(e.size()), at::kFloat); };
    auto const rewards = weighted_reward({{0.5, one, "taste"}, {-2.0, two}, {0.0, one}})(answered());
    auto const& sum = rewards.scores;
    CHECK(sum.scalar_type() == at::kDouble);
    CHECK(at::equal(sum, doubles({1.25, -2.75, -3.5})));
    CHECK(at::equal(weighted_reward({{1.0, one}})(answered()).scores, one(answered()).scores));
    REQUIRE(rewards.parts.size() == 3);
    CHECK((rewards.parts[0].first == "taste" && rewards.parts[1].first == "reward_2"));
    CHECK(at::equal(rewards.parts[0].second, one(answered()).scores));
    CHECK(weighted_reward({{1.0, one}})({}).scores.sizes() == at::IntArrayRef{0});
    auto const nested = weighted_reward({{2.0, weighted_reward({{0.5, one}})}});
    CHECK(at::equal(nested(answered()).scores, one(answered()).scores));
}

TEST_CASE("text_reward: no score, and parts by name, from a function of an episode") {
    auto const reward = text_reward([](text_episode const& e) {
        if (e.response == "x") return run::text_score{};
        return run::text_score{2.0, {{"length", double(e.response.size())}}};
    });
    auto const verdicts = reward(answered());
    CHECK(at::equal(verdicts.scored, at::tensor({0, 1, 1}).to(at::kBool)));
    CHECK(at::equal(verdicts.scores.masked_select(verdicts.scored), doubles({2.0, 2.0})));
    REQUIRE(verdicts.parts.size() == 1);
    CHECK(verdicts.parts[0].first == "length");
    CHECK(at::equal(verdicts.parts[0].second, doubles({0.0, 9.0, 0.0})));
    CHECK_FALSE(text_reward(lengths)(answered()).scored.defined());
    auto const optional = text_reward([](std::string const&, std::string const& r) -> std::optional<double> {
        if (r.empty()) return std::nullopt;
        return 1.0;
    });
    CHECK(at::equal(optional(answered()).scored, at::tensor({1, 1, 0}).to(at::kBool)));
    auto const sum = weighted_reward({{1.0, optional}, {1.0, reward}})(answered());
    CHECK(at::equal(sum.scored, at::tensor({0, 1, 0}).to(at::kBool)));
    run::text_scorer const short_of = [](auto const&) { return std::vector<run::text_score>(1); };
    CHECK_THROWS_WITH(text_reward(short_of)(answered()), Contains("gave 1 verdicts for 3 episodes"));
}

TEST_CASE("finished_episode: its text, and the data's record and messages") {
    std::vector<finished_episode> one{{tiny_words().encode("abc"), tiny_words().encode("x")}};
    nlohmann::json const record{{"messages", {{{"role", "user"}, {"content", "abc"}}}}, {"answer", "x"}};
    with_text(one, tiny_words(), {record});
    CHECK((one[0].text.prompt == "abc" && one[0].text.response == "x"));
    CHECK(one[0].text.record["answer"] == "x");
    CHECK(one[0].text.messages[0]["content"] == "abc");
    for (std::string const field : {"prompt", "messages"}) {  // the data's own answer is no part of the conversation
        nlohmann::json answered{{field, record["messages"]}};
        answered[field].push_back({{"role", "assistant"}, {"content", "gold"}});
        with_text(one, tiny_words(), {answered});
        CHECK(one[0].text.messages == record["messages"]);
    }
}

TEST_CASE("weighted_reward: which reward is wrong is said") {
    auto const fine = text_reward(lengths);
    auto const gives = [](at::Tensor const& scores) -> reward_function { return [=](auto const&) { return scores; }; };
    auto const nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH(weighted_reward({}), Contains("no rewards"));
    CHECK_THROWS_WITH(weighted_reward({{1.0, fine}, {1.0, nullptr}}),
                      Contains("reward 2 of 2 is empty; give a function"));
    CHECK_THROWS_WITH(weighted_reward({{nan, fine}}), Contains("the weight of reward 1 of 1 is nan; it must be"));
    CHECK_THROWS_WITH(weighted_reward({{1.0, fine}, {-std::numeric_limits<double>::infinity(), fine}}),
                      Contains("the weight of reward 2 of 2 is -inf"));
    CHECK_THROWS_WITH(weighted_reward({{1.0, fine}, {1.0, gives(at::zeros({2}))}})(answered()),
                      Contains("reward 2 of 2 gave 2 scores for 3 episodes; it must give one each"));
    CHECK_THROWS_WITH(weighted_reward({{1.0, gives(at::zeros({3, 1}))}, {1.0, fine}})(answered()),
                      Contains("reward 1 of 2 gave a tensor of 2 dimensions; it must give one score"));
    CHECK_THROWS_WITH(weighted_reward({{1.0, fine}, {1.0, gives(doubles({0.0, nan, 0.0}))}})(answered()),
                      Contains("reward 2 of 2 gave a score that is not finite"));
}
