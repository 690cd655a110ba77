// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/train/demonstration_objective.hpp>
#include <proximal/lm/train/preference_objective.hpp>
#include <proximal/lm/train/supervised_trainer.hpp>
#include <proximal/run/saved_state.hpp>

#include "../../support/temporary_folder.hpp"
#include "../../support/thread_communicator.hpp"
#include "../../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

namespace {

std::vector<demonstration> some_demonstrations(std::size_t count) {
    std::vector<demonstration> rows;
    for (std::size_t i = 0; i < count; ++i) {
        rows.push_back({support::words().encode(std::string(1 + i % 4, static_cast<char>('a' + i % 20))),
                        support::words().encode(" the cat " + std::to_string(i % 3))});
        rows.back().completion.push_back(*support::words().eos_token_id());
    }
    return rows;
}
std::vector<preference> some_preferences(std::size_t count) {
    std::vector<preference> rows;
    for (auto const& row : some_demonstrations(count)) {
        rows.push_back({row.prompt, row.completion, row.completion});
        rows.back().rejected.insert(rows.back().rejected.begin(), 65 + static_cast<std::int64_t>(rows.size()) % 9);
    }
    return rows;
}
std::shared_ptr<demonstration_objective> fine_tuning(double prompt_weight = 0.5) {
    return std::make_shared<demonstration_objective>(support::tiny_model(support::config_for_words()), support::words(),
                                                     some_demonstrations(32), some_demonstrations(5), prompt_weight);
}
std::shared_ptr<preference_objective> reward_modelling() {
    auto const body = support::tiny_model(support::config_for_words());
    return std::make_shared<preference_objective>(make_sequence_classifier(*body.body, body.config, 4, 0.3),
                                                  support::words(), some_preferences(32), some_preferences(5), 0.01);
}
run::training_options eight_rows(std::int64_t micro_batch, std::int64_t accumulation) {
    run::training_options config;
    config.per_device_train_batch_size = micro_batch;
    config.gradient_accumulation_steps = accumulation;
    config.max_steps = 4;
    config.learning_rate = 1e-2;
    config.save_strategy = "no";
    config.max_grad_norm = 1.0;
    return config;
}
at::Tensor flat(supervised_objective const& objective) {
    std::vector<at::Tensor> all;
    for (auto const& parameter : objective.parameters()) all.push_back(parameter.tensor.detach().flatten());
    return at::cat(all);
}
template <class Make>
at::Tensor trained(Make const& make, run::training_options const& config, int steps = 4) {
    auto const objective = make();
    supervised_trainer trainer({.config = config, .objective = objective});
    for (int i = 0; i < steps; ++i) trainer.step();
    return flat(*objective);
}

}  // namespace

TEST_CASE("supervised_trainer: a batch may be split into micro-batches at will, for both objectives") {
    auto const check = [](auto const& make) {
        auto const whole = trained(make, eight_rows(8, 1));
        CHECK((whole - flat(*make())).abs().max().template item<double>() > 1e-3);  // it learns
        for (auto const& [micro, accumulation] : {std::pair{4, 2}, {2, 4}, {1, 8}})
            CHECK((trained(make, eight_rows(micro, accumulation)) - whole).abs().max().template item<double>() < 1e-9);
    };
    check([] { return fine_tuning(); });
    check([] { return reward_modelling(); });
}

TEST_CASE("supervised_trainer: two processes make the steps of one, whatever they share out") {
    auto const alone = trained([] { return fine_tuning(); }, eight_rows(4, 2));
    for (char const* sharding : {"none", "zero1", "zero2", "zero3"})
        for (std::int64_t const accumulation : {1, 2}) {
            std::vector<at::Tensor> results(2);
            support::as_processes(2, [&](auto const& world) {
                auto const objective = fine_tuning();
                auto config = eight_rows(4 / accumulation, accumulation);
                config.sharding = sharding;
                config.gradient_checkpointing = accumulation == 2;
                supervised_trainer trainer({.config = config, .objective = objective, .world = world});
                for (int i = 0; i < 4; ++i) trainer.step();
                CHECK(std::isfinite(*trainer.evaluate().find("eval/loss")));
                whole_parameters const whole(trainer.units());
                results[static_cast<std::size_t>(world->rank())] = flat(*objective);
            });
            INFO(sharding << ", " << accumulation);
            for (auto const& result : results) CHECK((result - alone).abs().max().item<double>() < 1e-9);
        }
}

TEST_CASE("supervised_objective: processes share the evaluation out, and each gets the metrics of one process") {
    auto const writing = [] {
        return std::make_shared<demonstration_objective>(
            support::tiny_model(support::config_for_words()), support::words(), some_demonstrations(32),
            some_demonstrations(5), 0.5, written_evaluation{.rows = 4, .max_new_tokens = 6, .temperature = 1.0});
    };
    auto const check = [](auto const& make) {
        at::NoGradGuard const no_gradient;
        single_process alone;
        auto const expected = make()->evaluate(2, alone);
        CHECK(std::distance(expected.begin(), expected.end()) >= 4);
        for (std::int64_t const processes : {2, 3, 6}) {  // of five rows
            std::vector<run::metrics> measured(static_cast<std::size_t>(processes));
            support::as_processes(processes, [&](auto const& world) {
                at::NoGradGuard const none;
                measured[static_cast<std::size_t>(world->rank())] = make()->evaluate(2, *world);
            });
            for (auto const& own : measured)
                for (auto const& [name, value] : expected) {
                    INFO(processes << " processes, " << name);
                    REQUIRE(own.find(name) != nullptr);
                    CHECK(*own.find(name) == Approx(value).epsilon(1e-12));
                }
        }
    };
    check(writing);
    check([] { return reward_modelling(); });
}

TEST_CASE("supervised_trainer: recomputed layers learn the same") {
    auto config = eight_rows(8, 1);
    auto const plain = trained([] { return fine_tuning(); }, config);
    config.gradient_checkpointing = true;
    CHECK(at::equal(trained([] { return fine_tuning(); }, config), plain));
}

TEST_CASE("supervised_trainer: interrupted after two updates and resumed is bit for bit the run in one") {
    support::temporary_folder folder;
    auto config = eight_rows(4, 2);
    config.save_strategy = "steps";
    config.save_steps = 2;
    config.report_to = "none";
    config.output_dir = (folder.path / "whole").string();
    auto const whole = fine_tuning(), second = fine_tuning();
    supervised_trainer trainer({.config = config, .objective = whole});
    trainer.train();
    auto elsewhere = config;
    elsewhere.output_dir = (folder.path / "resumed").string();
    supervised_trainer resumed({.config = elsewhere, .objective = second});
    resumed.resume(folder.path / "whole" / "checkpoint-2");
    CHECK(resumed.state().update == 2);
    resumed.train();
    CHECK(at::equal(flat(*whole), flat(*second)));
    auto const saved = load_causal_lm(folder.path / "resumed", at::kDouble);
    CHECK(saved.parameters().size() == whole->parameters().size());

    auto other = fine_tuning(0.25);
    supervised_trainer refused({.config = elsewhere, .objective = other});
    CHECK_THROWS_WITH(refused.resume(folder.path / "whole" / "checkpoint-2"),
                      Catch::Contains("--prompt_loss_weight was 0.5 and is 0.25"));
}

TEST_CASE("supervised_trainer: an update's metrics, and those of the held-out rows") {
    auto const objective = fine_tuning();
    auto config = eight_rows(4, 2);
    config.include_tokens_per_second = true;
    supervised_trainer trainer({.config = config, .objective = objective});
    auto const before = trainer.evaluate(), again = trainer.evaluate();
    CHECK(*before.find("eval/loss") == *again.find("eval/loss"));
    auto const logged = trainer.step();
    for (auto const* const name :
         {"loss", "loss/completion", "grad_norm", "learning_rate", "epoch", "num_tokens", "tokens_per_second"})
        CHECK(logged.find(name) != nullptr);
    CHECK(*logged.find("epoch") == 0.25);
    CHECK(trainer.state().updates == 4);
    for (int i = 0; i < 3; ++i) trainer.step();
    CHECK(*trainer.evaluate().find("eval/loss") < *before.find("eval/loss"));
}

TEST_CASE("supervised_trainer: passes over the data say how long it is; what cannot be is refused in a sentence") {
    auto config = eight_rows(8, 1);
    config.max_steps = -1;
    config.num_train_epochs = 2.5;
    CHECK(supervised_trainer({.config = config, .objective = fine_tuning()}).state().updates == 10);
    config.per_device_train_batch_size = 33;
    CHECK_THROWS_WITH(supervised_trainer({.config = config, .objective = fine_tuning()}),
                      Catch::Contains("32 rows, fewer than one batch of 33"));
    config = eight_rows(8, 1);
    config.learning_rate = 1e300;
    auto const objective = fine_tuning();
    supervised_trainer diverging({.config = config, .objective = objective});
    CHECK_THROWS_WITH(
        [&] {
            for (int i = 0; i < 4; ++i) diverging.step();
        }(),
        Catch::Contains("lower --learning_rate"));
}
