// SPDX-License-Identifier: Apache-2.0
#include "../../examples/your_own/checked_answer.hpp"
#include "../../examples/your_own/moving_baseline.hpp"
#include "../../examples/your_own/sign_sgd.hpp"

#include <catch2/catch.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/saved_state.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;

// What somebody adds lies in one header of theirs, outside our namespace, and nothing of ours is touched.

TEST_CASE("your own optimizer: it moves the models in AdamW's place, and is saved and resumed") {
    auto const config = support::small_config();
    auto const trained = [&](int before, int after) {
        auto const make = [&] {
            auto given = support::arguments(config);
            auto parameters = given.policy.parameters();
            for (auto parameter : given.value_model->parameters())
                parameters.push_back({"value_model." + parameter.name, parameter.kind, parameter.tensor});
            given.optimizers.optimizer = std::make_shared<mine::sign_sgd>(parameters);
            return std::make_unique<ppo_trainer>(stock_ppo(config), given);
        };
        auto first = make();
        for (int i = 0; i < before; ++i) first->step();
        saved_state state;
        state_writer writer(state);
        first->visit_state(writer);
        auto second = make();
        state_reader reader(state);
        second->visit_state(reader);
        for (int i = 0; i < after; ++i) second->step();
        return second->policy().lm_head.detach().clone();
    };
    auto const untouched = support::arguments(config).policy.lm_head.detach().clone();
    auto const moved = trained(2, 1);
    CHECK_FALSE(at::equal(moved, untouched));
    CHECK(at::equal(moved, trained(1, 2)));
}

TEST_CASE("your own part with state: it learns, reports, and has a flag; the baseline is the scores' moving mean") {
    auto given = support::arguments(support::small_config());
    trainable algorithm = proximal::algorithm{chain(mine::moving_baseline{}, terminal_score{}), rloo{4}, reinforce{}};
    for (auto const& knob : algorithm.knobs())
        if (knob.name == "baseline_beta") knob.read("0.5");
    given.reward_model = text_reward([](std::string const&, std::string const&) { return 2.0; });
    ppo_trainer trainer(algorithm, given);
    auto const first = trainer.step(), second = trainer.step();
    CHECK(*first.find("mine/baseline") == 0.0);
    CHECK(*second.find("mine/baseline") == 1.0);
    CHECK(*second.find("objective/scores") == 1.0);
    saved_state state;
    state_writer writer(state);
    trainer.visit_state(writer);
    CHECK(std::get<double>(state.at("algorithm/moving_baseline/mean")) == 1.5);
}

TEST_CASE("your own reward: parts by name, and no score where it cannot tell") {
    auto given = support::arguments(support::small_config());
    for (std::size_t i = 0; i < given.train_dataset.prompts.size(); ++i) {
        nlohmann::json record{{"prompt", "p"}};
        if (i % 2 == 0) record["answer"] = "e";
        given.train_dataset.records.push_back(record);
    }
    given.reward_model = text_reward(mine::checked_answer);
    ppo_trainer trainer(stock_ppo(given.config), given);
    auto const logged = trainer.step();
    CHECK((*logged.find("rewards/unscored") > 0.0 && *logged.find("rewards/unscored") < 16.0));
    CHECK((*logged.find("rewards/correct") >= 0.0 && *logged.find("rewards/correct") <= 1.0));
    CHECK(*logged.find("rewards/brevity") > 0.0);
}
