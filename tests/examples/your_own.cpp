// SPDX-License-Identifier: Apache-2.0
#include "../../examples/your_own/checked_answer.hpp"
#include "../../examples/your_own/epsilon_sampler.hpp"
#include "../../examples/your_own/mean_baseline.hpp"
#include "../../examples/your_own/moving_baseline.hpp"
#include "../../examples/your_own/sign_sgd.hpp"
#include "../../examples/your_own/watchman.hpp"

#include <catch2/catch.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/reports.hpp>
#include <proximal/run/saved_state.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../support/backends.hpp"
#include "../support/temporary_folder.hpp"
#include "../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;

// What somebody adds lies in one header of theirs, outside our namespace, and nothing of ours is touched.

TEST_CASE("your own optimizer: one that holds nothing of what learns is refused") {
    auto given = support::arguments(support::small_config());
    // Nothing requires a gradient before a trainer is made: so this is empty.
    given.optimizers.optimizer = std::make_shared<mine::sign_sgd>(given.policy.trainable_parameters());
    CHECK_THROWS_WITH(ppo_trainer(stock_ppo(given.config), given),
                      Catch::Contains("the optimizer that was given holds 0 tensors, and none of the "));
    auto const other = support::arguments(support::small_config());
    given.optimizers.optimizer = std::make_shared<mine::sign_sgd>(other.policy.parameters());
    CHECK_THROWS_WITH(ppo_trainer(stock_ppo(given.config), given),
                      Catch::Contains("make it of the models' parameters()"));
}

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
    trainable algorithm =
        proximal::algorithm{chain(mine::moving_baseline{}, terminal_score{}), rloo{4}, clipped_surrogate{}};
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

TEST_CASE("your own estimator: exact on Eigen, the same on tensors, and it trains") {
    auto const batch = support::random_batch(6, 5, 3).rollout;
    auto const exact = mine::mean_baseline{.gamma = 0.9}(batch);
    auto const on_tensors = mine::mean_baseline{.gamma = 0.9}(support::as<libtorch::field>(batch));
    CHECK(support::difference(on_tensors.advantages, exact.advantages) < support::tolerance);
    CHECK(std::abs(sum(exact.advantages * batch.mask)(0, 0)) < 1e-12);
    auto given = support::arguments(support::small_config());
    given.config.num_ppo_epochs = given.config.num_mini_batches = 1;
    ppo_trainer trainer(algorithm{terminal_score{}, mine::mean_baseline{}, reinforce{}}, given);
    CHECK(std::isfinite(*trainer.step().find("loss/policy_avg")));
}

TEST_CASE("your own listener: it saves every other update, and ends the run at the score it was given") {
    support::temporary_folder const folder;
    auto given = support::arguments(support::small_config());
    given.config.output_dir = (folder.path / "deep" / "run").string();  // train() makes it
    given.reward_model = text_reward([](std::string const&, std::string const&) { return 2.0; });
    struct counter final : trainer_callback {
        int saves = 0;
        void on_save(trainer_state&, std::filesystem::path const&) override { ++saves; }
    };
    auto const saves = std::make_shared<counter>();
    given.callbacks = {std::make_shared<mine::watchman>(2, 5.0), saves, std::make_shared<metrics_log>()};
    ppo_trainer trainer(stock_ppo(given.config), given);
    trainer.train();
    CHECK(saves->saves == trainer.state().updates / 2 + 1);
    CHECK(std::filesystem::exists(folder.path / "deep" / "run" / "metrics.jsonl"));
    given.callbacks = {std::make_shared<mine::watchman>(100, 1.0)};
    ppo_trainer short_run(stock_ppo(given.config), given);
    short_run.train();
    CHECK(short_run.state().update == 1);
}

TEST_CASE("your own sampler: generate draws with it") {
    auto const model = support::tiny_model(support::config_for_words());
    std::vector<std::vector<std::int64_t>> const prompts{{3, 4}, {5}};
    sampling const how{.max_new_tokens = 6};
    auto const greedy = generate(model, prompts, how, greedy_sampler{});
    CHECK(at::equal(generate(model, prompts, how, mine::epsilon_sampler{0.0, 1}).tokens, greedy.tokens));
    auto const drawn = generate(model, prompts, how, mine::epsilon_sampler{1.0, 1}).tokens;
    CHECK_FALSE(at::equal(drawn, greedy.tokens));
    CHECK(at::equal(drawn, generate(model, prompts, how, mine::epsilon_sampler{1.0, 1}).tokens));
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
