// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/reward/weighted_reward.hpp>
#include <proximal/lm/train/fine_tune.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/stock_ppo.hpp>
#include <utility>
#include <vector>

#include "../../examples/algorithms/algorithm_named.hpp"
#include "../support/emulated_launcher.hpp"
#include "../support/pretend_device.hpp"
#include "../support/temporary_folder.hpp"
#include "../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;
using support::words, support::pretend::happened;

namespace {

/// A model of its own with equal parameters, on another device or in another dtype.
causal_lm moved(causal_lm const& model, at::TensorOptions const& to) {
    auto const source = [&, from = copied(model.body->parameters())](auto const& name, auto const& shape, auto kind) {
        return from(name, shape, kind).to(to);
    };
    return {model.body->rebuild(source), model.lm_head.to(to, false, /*copy=*/true), model.config};
}
sequence_classifier moved(sequence_classifier const& model, at::TensorOptions const& to) {
    auto const source = [&, from = copied(model.body->parameters())](auto const& name, auto const& shape, auto kind) {
        return from(name, shape, kind).to(to);
    };
    return {model.body->rebuild(source), model.score.to(to, false, /*copy=*/true), model.config};
}

causal_lm model_of_words() { return support::tiny_model(support::config_for_words()); }

double first_letter(std::string const& /*prompt*/, std::string const& response) {
    return response.empty() ? 0.0 : double(response[0]) / 64.0;
}

/// What two updates logged, and the parameters they led to, on the CPU.
struct outcome {
    std::vector<metrics> logged;
    std::vector<completions_table> tables;
    std::vector<named_tensor> learned;
    std::int64_t bytes = 0;  // of the pretend device, between updates
    std::int64_t operations = 0, reads = 0, writes = 0, optimizer_steps = 0, steps_before = 0;  // of the last update
};

struct recorder final : trainer_callback {
    outcome seen;
    std::int64_t operations = 0, reads = 0, writes = 0;
    void on_step_begin(trainer_state&) override {
        operations = happened.operations, reads = happened.reads, writes = happened.writes;
    }
    void on_step_end(trainer_state& state) override {
        seen.bytes = happened.bytes;
        seen.optimizer_steps = state.optimizer_steps - seen.steps_before;
        seen.steps_before = state.optimizer_steps;
        seen.operations = happened.operations - operations;
        seen.reads = happened.reads - reads;
        seen.writes = happened.writes - writes;
    }
    void on_log(trainer_state&, metrics const& m) override { seen.logged.push_back(m); }
    void on_completions(trainer_state&, completions_table const& t) override { seen.tables.push_back(t); }
};

/// Two updates by an algorithm on models of these options: rewards from text and from a model, tables, models saved.
outcome two_updates(
    std::string_view name, at::TensorOptions const& options,
    std::function<void(run::PPOv2Config&)> const& change = [](run::PPOv2Config&) {}) {
    support::temporary_folder const folder;
    auto config = support::small_config();
    change(config);
    config.output_dir = folder.path;
    config.response_length = 6;
    config.adam_epsilon = 1e-4;  // gradients of 0 but for rounding do not move a parameter
    trainable const algorithm = examples::algorithm_named(name);
    if (!algorithm.has_ratio()) {  // one step on a batch, of the same size
        config.gradient_accumulation_steps *= config.num_mini_batches;
        config.num_mini_batches = config.num_ppo_epochs = 1;
    }
    auto const policy = model_of_words();
    auto const judge = moved(make_sequence_classifier(*policy.body, policy.config, 4), options);
    auto const seen = std::make_shared<recorder>();
    ppo_trainer_arguments given{
        .config = config,
        .tokenizer = words(),
        .policy = moved(policy, options),
        .ref_policy = moved(policy, options),
        .reward_model = weighted_reward({{1.0, text_reward(first_letter)}, {0.1, model_reward(judge, 7)}}),
        .train_dataset = {}};
    for (int i = 0; i < 20; ++i)
        given.train_dataset.prompts.push_back(words().encode(std::string(std::size_t(1 + i % 7), char('a' + i))));
    given.eval_dataset = given.train_dataset;
    given.value_model = moved(make_sequence_classifier(*policy.body, policy.config, 9), options);
    given.ref_policy->lm_head.mul_(0.9);  // so that the reference says something else from the start
    given.callbacks = {seen};
    auto parameters = given.policy.parameters();
    for (auto const& parameter : given.value_model->parameters())
        parameters.push_back({"critic." + parameter.name, parameter.kind, parameter.tensor});
    ppo_trainer(algorithm, given).train();
    for (auto const& [name_of, kind, tensor] : parameters) {
        CHECK(tensor.device() == options.device());
        seen->seen.learned.push_back({name_of, kind, tensor.detach().cpu()});
    }
    return seen->seen;
}

void check_same(outcome const& here, outcome const& away, double relative, double absolute) {
    REQUIRE(here.logged.size() == 2);
    REQUIRE(away.logged.size() == 2);
    for (std::size_t update = 0; update < 2; ++update) {
        int compared = 0;
        for (auto const& [name, value] : here.logged[update]) {
            if (run::is_of_the_machine(name)) continue;
            INFO(name << " of update " << update + 1);
            auto const* const other = away.logged[update].find(name);
            REQUIRE(other != nullptr);
            if (!std::isnan(value)) CHECK(*other == Approx(value).epsilon(relative).margin(absolute));
            else CHECK(std::isnan(*other));
            ++compared;
        }
        CHECK(compared > 10);
    }
    REQUIRE(here.tables.size() == away.tables.size());
    for (std::size_t i = 0; i < here.tables.size(); ++i) CHECK(here.tables[i].rows == away.tables[i].rows);
    REQUIRE(here.learned.size() == away.learned.size());
    for (std::size_t i = 0; i < here.learned.size(); ++i) {
        INFO(here.learned[i].name << " differs by "
                                  << (away.learned[i].tensor - here.learned[i].tensor).abs().max().item<double>());
        CHECK(at::allclose(away.learned[i].tensor, here.learned[i].tensor, relative, absolute));
    }
}

}  // namespace

TEST_CASE("any device: two updates of every algorithm are those on the CPU, with kernels too, and waits are few") {
    at::TensorOptions const there = at::TensorOptions(support::pretend::device()).dtype(at::kDouble);
    auto const chunk = support::small_config().local_rollout_forward_batch_size;
    for (auto const& [name, make] : examples::named_algorithms()) {
        INFO(name);
        auto const here = two_updates(name, at::kDouble), away = two_updates(name, there);
        check_same(here, away, 1e-5, 1e-10);
        for (auto const& [parameter, kind, tensor] : away.learned)
            if (parameter == "embed_out.weight")
                CHECK_FALSE(at::allclose(tensor, model_of_words().lm_head, 1e-5, 1e-5));

        support::pretend::with_kernels const kernels;
        auto const launched = kernels.launches();
        auto const fused = two_updates(name, there);
        check_same(here, fused, 1e-5, 1e-10);
        CHECK(kernels.launches() > launched + 20);

        // The host waits for the tokens of a chunk, for scores, three times an update more, and once a step.
        std::int64_t const rollouts = name == "remax" ? 2 : 1;  // its baseline is one more
        for (auto const& seen : {away, fused}) {
            INFO(seen.operations << " operations, " << seen.reads << " reads, " << seen.writes << " blocking copies, "
                                 << seen.optimizer_steps << " optimizer steps");
            CHECK(seen.operations > 1000);
            CHECK(seen.operations < 12'000);
            CHECK(seen.reads <= rollouts * ((16 + chunk - 1) / chunk + 1) + 3 + seen.optimizer_steps);
            CHECK(seen.writes == 0);
        }
        CHECK(fused.operations < away.operations - 300);
    }
}

TEST_CASE("gpu: two updates of every algorithm are those on the CPU") {
    auto const gpu = libtorch::choose_device(/*use_cpu=*/false);
    if (!gpu.is_cuda()) {
        WARN("SKIPPED: no NVIDIA GPU on this machine");
        return;
    }
    for (auto const& [name, make] : examples::named_algorithms()) {
        INFO(name);
        check_same(two_updates(name, at::kDouble), two_updates(name, at::TensorOptions(gpu).dtype(at::kDouble)), 1e-5,
                   1e-10);
    }
    check_same(two_updates("ppo", at::kFloat), two_updates("ppo", at::TensorOptions(gpu).dtype(at::kFloat)), 1e-3,
               1e-5);
}

TEST_CASE("any device: two updates of ppo in float32 are those on the CPU") {
    auto const options = at::TensorOptions(support::pretend::device()).dtype(at::kFloat);
    check_same(two_updates("ppo", at::kFloat), two_updates("ppo", options), 1e-3, 1e-5);
}

TEST_CASE("any device: a reward model's verdict and a fine-tuned model are those on the CPU") {
    auto const options = at::TensorOptions(support::pretend::device()).dtype(at::kDouble);
    auto const body = support::tiny_model();
    auto const judge = make_sequence_classifier(*body.body, body.config, 4);
    std::vector<finished_episode> const episodes{{{1, 2, 3}, {4, 5}}, {{6}, {}}, {{7, 8}, {9, 10, 11}}};
    auto const scores = model_reward(moved(judge, options), 2)(episodes).scores;
    CHECK(scores.device() == options.device());
    CHECK(at::allclose(scores.cpu(), model_reward(judge)(episodes).scores, 1e-12, 1e-12));

    std::vector<demonstration> const data{{{1, 2, 3}, {4, 5}}, {{6}, {7, 8}}, {{9, 8}, {7}}, {{3}, {2, 1}}};
    auto const here = clone(body), away = moved(body, options);
    fine_tune_options const options_of_three{.steps = 3, .batch_size = 2};
    CHECK(fine_tune(away, data, options_of_three) == Approx(fine_tune(here, data, options_of_three)).epsilon(1e-10));
    auto const learned = away.parameters(), expected = here.parameters();
    for (std::size_t i = 0; i < learned.size(); ++i)
        CHECK(at::allclose(learned[i].tensor.cpu(), expected[i].tensor, 1e-5, 1e-8));
}

TEST_CASE("any device: sampling a token does not wait for the device; looking for who stopped does, every 8 steps") {
    auto const model = moved(support::tiny_model(), support::pretend::device());
    auto const waits = [&](std::int64_t steps, std::optional<std::int64_t> stop) {
        std::int64_t const before = happened.waits();
        generate(model, {{1, 2, 3}, {4}}, {.max_new_tokens = steps, .stop_token = stop}, multinomial_sampler{7});
        return happened.waits() - before;
    };
    CHECK(waits(15, {}) == waits(3, {}));
    CHECK(waits(15, 1000) == waits(3, {}) + 1);  // nobody stops
}

TEST_CASE("any device: what is offloaded is not there between updates, and two updates are the same") {
    at::TensorOptions const away = at::TensorOptions(support::pretend::device()).dtype(at::kDouble);
    auto const whole = two_updates("ppo", away);
    std::int64_t weights = 0;  // of a model, in bytes
    for (auto const& parameter : model_of_words().parameters()) weights += parameter.tensor.numel() * 8;
    auto const body = model_of_words();
    std::int64_t judge = 0;
    for (auto const& parameter : make_sequence_classifier(*body.body, body.config, 4).parameters())
        judge += parameter.tensor.numel() * 8;
    std::int64_t learning = weights + judge;  // policy and critic
    auto const saves = [&](auto const& change, std::int64_t bytes) {
        auto const offloaded = two_updates("ppo", away, change);
        check_same(whole, offloaded, 1e-9, 1e-12);
        CHECK(static_cast<double>(whole.bytes - offloaded.bytes) == Approx(static_cast<double>(bytes)).epsilon(0.02));
    };
    saves([](auto& c) { c.offload_reference = true; }, weights);
    saves([](auto& c) { c.offload_reward = true; }, judge);
    saves([](auto& c) { c.offload_optimizer = true; }, 2 * learning);
    saves([](auto& c) { c.offload_reference = c.offload_reward = c.offload_optimizer = true; },
          weights + judge + 2 * learning);
}

TEST_CASE("any device: a tensor of two models does not leave the device with one of them") {
    at::TensorOptions const away = at::TensorOptions(support::pretend::device()).dtype(at::kDouble);
    auto config = support::small_config();
    config.offload_reference = true;
    auto given = support::arguments(config);
    auto policy = model_of_words(), reference = model_of_words();
    given.policy = moved(policy, away);
    given.ref_policy = moved(reference, away);
    given.ref_policy->lm_head = given.policy.lm_head;
    given.policy.lm_head.set_requires_grad(false);
    given.value_model = moved(make_sequence_classifier(*policy.body, policy.config, 9), away);
    for (auto const& parameter : given.policy.body->parameters()) at::Tensor(parameter.tensor).set_requires_grad(true);
    CHECK_THROWS_WITH(ppo_trainer(run::stock_ppo(config), given),
                      Catch::Contains("--offload_reference: the reference model shares embed_out.weight"));
}
