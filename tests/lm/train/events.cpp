// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../support/temporary_folder.hpp"
#include "../../support/thread_communicator.hpp"
#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;

namespace {

/// Writes down the events in their order.
struct diary final : trainer_callback {
    std::vector<std::string> events;
    void note(std::string event) { events.push_back(std::move(event)); }
    void on_init_end(trainer_state&) override { note("init_end"); }
    void on_train_begin(trainer_state&) override { note("train_begin"); }
    void on_epoch_begin(trainer_state&) override { note("epoch_begin"); }
    void on_step_begin(trainer_state&) override { note("step_begin"); }
    void on_substep_end(trainer_state&) override { note("substep_end"); }
    void on_pre_optimizer_step(trainer_state&) override { note("pre_optimizer_step"); }
    void on_optimizer_step(trainer_state&) override { note("optimizer_step"); }
    void on_step_end(trainer_state&) override { note("step_end"); }
    void on_epoch_end(trainer_state&) override { note("epoch_end"); }
    void on_log(trainer_state&, metrics const&) override { note("log"); }
    void on_completions(trainer_state&, completions_table const&) override { note("completions"); }
    void on_evaluate(trainer_state&, metrics const&) override { note("evaluate"); }
    void on_save(trainer_state&, std::filesystem::path const&) override { note("save"); }
    void on_train_end(trainer_state&) override { note("train_end"); }
};

/// Asks for things as a user's listener would: by a request, not by a call.
struct asks final : trainer_callback {
    metrics evaluated;
    void on_step_end(trainer_state& state) override {
        state.should_log = state.update == 2;
        state.should_evaluate = state.should_save = state.update == 1;
        state.should_stop = state.update == 2;
    }
    void on_evaluate(trainer_state&, metrics const& measured) override { evaluated = measured; }
};

run::PPOv2Config long_config(std::filesystem::path const& folder) {
    auto config = support::small_config();
    config.output_dir = folder;
    config.total_episodes = 16 * 20;
    config.num_ppo_epochs = 1;
    config.num_sample_generations = 0;
    return config;
}

}  // namespace

TEST_CASE("events: in transformers' names and order; requests are obeyed after the step that made them") {
    support::temporary_folder const folder;
    auto given = support::arguments(long_config(folder.path));
    auto const seen = std::make_shared<diary>();
    auto const wishes = std::make_shared<asks>();
    given.callbacks = {seen, wishes};
    ppo_trainer trainer(stock_ppo(given.config), given);
    trainer.train();
    std::vector<std::string> const optimizer_steps{"substep_end", "pre_optimizer_step", "optimizer_step",
                                                   "substep_end", "pre_optimizer_step", "optimizer_step"};
    std::vector<std::string> expected{"init_end", "train_begin", "epoch_begin", "step_begin"};
    expected.insert(expected.end(), optimizer_steps.begin(), optimizer_steps.end());
    for (char const* event : {"step_end", "evaluate", "save", "step_begin"}) expected.emplace_back(event);
    expected.insert(expected.end(), optimizer_steps.begin(), optimizer_steps.end());
    for (char const* event : {"step_end", "epoch_end", "log", "save", "train_end"}) expected.emplace_back(event);
    CHECK(seen->events == expected);
    CHECK(*wishes->evaluated.find("eval/scored") == 20.0);
    CHECK(std::isfinite(*wishes->evaluated.find("eval/scores")));
}

TEST_CASE("events: an error saves the models of the last good step, and ends the listeners' work") {
    support::temporary_folder const folder;
    auto given = support::arguments(long_config(folder.path));
    auto const seen = std::make_shared<diary>();
    given.callbacks = {seen};
    int asked = 0;
    given.reward_model = [&](std::vector<finished_episode> const& episodes) -> at::Tensor {
        if (++asked == 3) throw std::runtime_error("the judge died");
        return at::ones({std::ssize(episodes)}, at::kDouble);
    };
    ppo_trainer trainer(stock_ppo(given.config), given);
    CHECK_THROWS_WITH(trainer.train(), "the judge died");
    CHECK(trainer.state().update == 2);
    CHECK(std::filesystem::exists(folder.path / "model.safetensors"));
    CHECK(seen->events.back() == "train_end");
}

TEST_CASE(
    "text episodes: the data's record travels to the reward; parts are logged; no score is left out and counted") {
    support::temporary_folder const folder;
    auto given = support::arguments(long_config(folder.path));
    for (std::size_t i = 0; i < given.train_dataset.prompts.size(); ++i)
        given.train_dataset.records.push_back({{"answer", i}});
    std::vector<text::text_episode> seen;
    given.reward_model = text_reward([&](text::text_episode const& e) {
        seen.push_back(e);
        auto const answer = e.record["answer"].get<std::size_t>();
        if (answer % 4 == 0) return text_score{};
        return text_score{static_cast<double>(answer), {{"length", 2.0}}};
    });
    ppo_trainer trainer(stock_ppo(given.config), given);
    auto const logged = trainer.step();
    REQUIRE(seen.size() == 16);
    double unscored = 0.0, total = 0.0;
    for (auto const& e : seen) {
        auto const answer = e.record["answer"].get<std::size_t>();
        CHECK(e.prompt == support::words().decode(given.train_dataset.prompts[answer], true));
        (answer % 4 == 0 ? unscored : total) += answer % 4 == 0 ? 1.0 : static_cast<double>(answer);
    }
    REQUIRE(unscored > 0.0);
    CHECK(*logged.find("rewards/unscored") == unscored);
    CHECK(*logged.find("rewards/length") == 2.0);
    CHECK(std::isfinite(*logged.find("loss/policy_avg")));
    CHECK(*logged.find("objective/scores") == Approx(total / (16.0 - unscored)));

    given.reward_model = text_reward([](text::text_episode const&) { return text_score{}; });
    CHECK_THROWS_WITH(ppo_trainer(trainable(stock_ppo(given.config)), given).step(),
                      Catch::Contains("gave none of 16 episodes a score"));
}

TEST_CASE("add_rewards: an episode without a score takes its group's mean and counts nowhere") {
    auto const grid = at::ones({4, 3}, at::kDouble);
    episodes batch;
    batch.query_responses = at::ones({4, 5}, at::kLong);
    batch.context_length = 2;
    batch.mask = grid.to(at::kBool);
    scored_rollout result{{.logprobs = grid, .rewards = grid * 0.0, .mask = grid, .value_mask = grid}};
    add_rewards(result, {at::tensor({1.0, 99.0, 4.0, 6.0}, at::kDouble), {}, at::tensor({1, 0, 1, 1}).to(at::kBool)},
                batch, 2);
    CHECK(at::equal(result.recorded.scores.tensor, at::tensor({1.0, 1.0, 4.0, 6.0}, at::kDouble)));
    CHECK(result.recorded.mask.tensor.sum(1)[1].item<double>() == 0.0);
    CHECK(result.recorded.value_mask.tensor.sum().item<double>() == 9.0);
}

TEST_CASE("ppo_trainer: a collator sees each prompt once, before it is repeated, and gives as many") {
    support::temporary_folder const folder;
    auto given = support::arguments(long_config(folder.path));
    std::size_t asked = 0;
    given.collator = [&](prompt_list prompts) {
        asked = prompts.size();
        for (auto& prompt : prompts) prompt.push_back(static_cast<std::int64_t>(5 + prompt.size()));
        return prompts;
    };
    ppo_trainer trainer(algorithm{terminal_score{}, rloo{4}, clipped_surrogate{}}, given);
    auto const batch = trainer.next();
    CHECK(asked == 4);
    REQUIRE(batch.prompts.size() == 16);
    for (std::size_t i = 0; i < 16; ++i) CHECK(batch.prompts[i] == batch.prompts[i / 4 * 4]);
    given.collator = [](prompt_list) { return prompt_list{{1}}; };
    CHECK_THROWS_WITH(ppo_trainer(trainable(algorithm{terminal_score{}, rloo{4}, clipped_surrogate{}}), given).next(),
                      Catch::Contains("the collator gave 1 prompts for 4"));
}
