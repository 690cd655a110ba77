// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/loss_scaler.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/saved_state.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../support/thread_communicator.hpp"
#include "../../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

namespace {
struct one_parameter {
    at::Tensor x = at::tensor({1.0, 2.0}, at::kFloat).requires_grad_();
    adamw optimizer{{{"policy.weight", parameter_kind::matrix, x}}, {}};

    optimizer_step step(double a, double b) {
        x.mutable_grad() = at::tensor({a, b}, at::kFloat);
        return {.optimizer = optimizer, .learning_rate = 0.1, .where = " here", .sums = {1.0, 0.0, 1.0}};
    }
};
void run_all(step_pipeline const& stages, optimizer_step& step) {
    for (auto const& stage : stages) stage(step);
}
auto guarded_by(int& asked, verdict const said) {
    return algorithm{terminal_score{}, gae{}, clipped_surrogate{}, token_mean{}, [&asked, said](step_summary const&) {
                         ++asked;
                         return said;
                     }};
}
}  // namespace

TEST_CASE("loss_scaler: torch.amp.GradScaler's rule, step by step") {
    // init_scale 8, growth_interval 3: what GradScaler's update() gives after each of these steps.
    loss_scaler scaler{.scale = 8.0, .growth_interval = 3};
    struct row {
        bool finite;
        double scale;
        std::int64_t good;
    };
    for (auto const& [finite, scale, good] : {row{true, 8, 1},
                                              {true, 8, 2},
                                              {true, 16, 0},
                                              {true, 16, 1},
                                              {false, 8, 0},
                                              {false, 4, 0},
                                              {true, 4, 1},
                                              {true, 4, 2},
                                              {false, 2, 0},
                                              {true, 2, 1},
                                              {true, 2, 2},
                                              {true, 4, 0},
                                              {true, 4, 1}}) {
        CHECK(scaler.take(finite) == finite);
        CHECK(scaler.scale == scale);
        CHECK(scaler.good_steps == good);
    }
    CHECK(scaler.skipped_steps == 3);
}

TEST_CASE("loss_scaler: it begins as GradScaler does, and doubles after 2000 good steps") {
    loss_scaler scaler;
    CHECK(scaler.scale == 65536.0);
    for (int i = 0; i < 1999; ++i) scaler.take(true);
    CHECK(scaler.scale == 65536.0);
    scaler.take(true);
    CHECK(scaler.scale == 131072.0);
    scaler.take(false);
    CHECK(scaler.scale == 65536.0);
}

TEST_CASE("loss_scaler: the scale stays finite in float32, and where lowering it does not help that is an error") {
    loss_scaler high{.scale = std::ldexp(1.0, 127), .growth_interval = 1};
    CHECK(high.take(true));
    CHECK(high.scale == std::ldexp(1.0, 127));
    loss_scaler hopeless;
    for (int i = 0; i < 32; ++i) CHECK_FALSE(hopeless.take(false));
    CHECK(hopeless.scale == hopeless.least);
    CHECK_THROWS_WITH(hopeless.take(false), Catch::Contains("it is not float16 that overflows"));
}

TEST_CASE("loss_scaler: its state is written down and read back") {
    loss_scaler scaler{.growth_interval = 5}, other{.growth_interval = 5};
    for (bool const finite : {true, false, true, true}) scaler.take(finite);
    run::saved_state state;
    run::state_writer writer(state);
    scaler.visit_state(writer);
    run::state_reader reader(state);
    other.visit_state(reader);
    CHECK(other.scale == 32768.0);
    CHECK(other.good_steps == 2);
    CHECK(other.skipped_steps == 1);
}

TEST_CASE("loss_scaler: a trainer's checkpoint holds it, and one from before there was a scaler is read too") {
    auto const config = support::small_config();
    auto const trainer = [&] { return ppo_trainer(run::stock_ppo(config), support::arguments(config)); };
    run::saved_state state, again;
    run::state_writer writer(state), second_writer(again);
    trainer().visit_state(writer);
    REQUIRE(std::get<double>(state.at("loss_scaler/scale")) == 65536.0);
    state["loss_scaler/scale"] = 512.0;
    auto resumed = trainer();
    run::state_reader reader(state);
    resumed.visit_state(reader);
    reader.finish();
    resumed.visit_state(second_writer);
    CHECK(std::get<double>(again.at("loss_scaler/scale")) == 512.0);

    std::erase_if(state, [](auto const& value) { return value.first.starts_with("loss_scaler/"); });
    run::state_reader older(state);
    CHECK_NOTHROW(trainer().visit_state(older));
    CHECK_NOTHROW(older.finish());
}

TEST_CASE("step_pipeline: with a scaler gradients are unscaled before the norm, and the step is that without") {
    single_process alone;
    int asked = 0;
    auto const algorithm = trainable(guarded_by(asked, verdict::take));
    one_parameter plain, scaled;
    auto expected = plain.step(3.0, 4.0);
    run_all(stock_pipeline(algorithm, alone, 1.0), expected);
    loss_scaler scaler{.scale = 1024.0};
    auto step = scaled.step(3.0 * 1024.0, 4.0 * 1024.0);
    run_all(stock_pipeline(algorithm, alone, 1.0, {}, {}, &scaler), step);
    CHECK(step.taken);
    CHECK(step.gradient_norm == 5.0);
    CHECK(scaled.x.equal(plain.x));
    CHECK(scaler.good_steps == 1);
    CHECK(asked == 2);
}

TEST_CASE("step_pipeline: with a scaler an overflow leaves the step out and throws nothing, in every process alike") {
    for (bool const of_loss : {false, true}) {
        one_parameter models[2];
        loss_scaler scalers[2];
        int asked[2] = {0, 0}, told[2] = {0, 0};
        bool left_out[2] = {false, false};
        support::as_processes(2, [&](auto const& world) {
            auto const rank = static_cast<std::size_t>(world->rank());
            auto const algorithm = trainable(guarded_by(asked[rank], verdict::stop));
            bool const here = rank == 1;
            auto step = models[rank].step(here && !of_loss ? std::numeric_limits<double>::infinity() : 1.0, 1.0);
            if (here && of_loss) step.failure = "the loss became inf";
            auto const tell = [&](optimizer_step& s) { told[rank] += s.decision == verdict::take; };
            run_all(stock_pipeline(algorithm, *world, 1.0, tell, {}, &scalers[rank]), step);
            left_out[rank] = step.overflowed && !step.taken && step.decision == verdict::skip;  // not the guard's stop
        });
        for (std::size_t rank = 0; rank < 2; ++rank) {
            CHECK(left_out[rank]);
            CHECK(scalers[rank].scale == 32768.0);
            CHECK(scalers[rank].skipped_steps == 1);
            CHECK(asked[rank] + told[rank] == 0);
            CHECK(models[rank].x[0].item<double>() == 1.0);
        }
    }
}

TEST_CASE("step_pipeline: a step on nothing teaches the scaler nothing") {
    single_process alone;
    int asked = 0;
    auto const algorithm = trainable(guarded_by(asked, verdict::take));
    one_parameter model;
    loss_scaler scaler;
    auto step = model.step(1.0, 1.0);
    step.sums = {};
    run_all(stock_pipeline(algorithm, alone, {}, {}, {}, &scaler), step);
    CHECK(scaler.good_steps == 0);
}

TEST_CASE("update: a scaled loss moves the models as the loss itself does, and an overflow moves none") {
    auto const config = support::small_config();
    auto const learned = [&](loss_scaler* scaler) {
        auto const given = support::arguments(config);
        begin_training(given.policy);
        begin_training(*given.value_model);
        auto const roles = roles_of(config, given.tokenizer);
        prompt_list const prompts(given.train_dataset.prompts.begin(), given.train_dataset.prompts.begin() + 4);
        auto const drawn =
            generate(given.policy, prompts, {.max_new_tokens = 5, .stop_token = roles.stop, .pad_token = roles.pad},
                     multinomial_sampler{7});
        auto const batch = assemble(left_padded(prompts, roles.pad), drawn, roles);
        trainable algorithm = run::stock_ppo(config);
        auto const scored = score(
            {.reference = &*given.ref_policy, .critic = &*given.value_model, .reward = &given.reward_model, .chunk = 4},
            batch, drawn.logprobs, roles.pad, {&given.tokenizer, nullptr});
        auto const judged = algorithm.evaluate(scored.recorded).judged;
        auto const optimizer = configured_optimizer(given);
        single_process alone;
        auto const statistics = update(algorithm, {&given.policy, &*given.value_model}, *optimizer, batch, judged,
                                       {.ppo_epochs = 2,
                                        .mini_batch_size = 2,
                                        .micro_batch_size = 1,
                                        .learning_rate = 1e-3,
                                        .pad = roles.pad,
                                        .permutation = [](std::int64_t) { return at::arange(4, at::kLong); },
                                        .stages = stock_pipeline(algorithm, alone, 1.0, {}, {}, scaler),
                                        .scaler = scaler});
        return std::tuple(given.policy.lm_head.detach().clone(), given.value_model->score.detach().clone(), statistics);
    };
    auto const [policy, critic, plain] = learned(nullptr);
    CHECK(plain.optimizer_steps == 4);
    loss_scaler scaler{.growth_interval = 3};
    auto const [scaled_policy, scaled_critic, scaled] = learned(&scaler);
    CHECK(at::allclose(scaled_policy, policy, 1e-10, 1e-12));
    CHECK(at::allclose(scaled_critic, critic, 1e-10, 1e-12));
    CHECK(scaled.mean("grad_norm") == Approx(plain.mean("grad_norm")).epsilon(1e-10));
    CHECK(scaler.scale == 131072.0);  // after three good steps of four
    CHECK(scaled.overflowed_steps == 0);

    loss_scaler too_much{.scale = std::numeric_limits<double>::infinity(), .backoff_factor = 1.0};
    auto const [same_policy, same_critic, none] = learned(&too_much);
    CHECK(none.overflowed_steps == 4);
    CHECK(none.optimizer_steps == 0);
    CHECK(none.skipped_steps == 0);  // by the algorithm's guard
    CHECK(same_policy.equal(support::arguments(config).policy.lm_head));
}
