// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <proximal/text/bpe_trainer.hpp>
#include <proximal/torch/trainer/fine_tune.hpp>
#include <proximal/torch/trainer/ppo_trainer.hpp>
#include <proximal/torch/trainer/text_reward.hpp>
#include <proximal/torch/trainer/weighted_reward.hpp>
#include <utility>
#include <vector>

#include "../../examples/algorithms/by_name.hpp"
#include "../support/pretend_device.hpp"
#include "../support/temporary_folder.hpp"
#include "../support/tiny_model.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::libtorch;
using support::pretend::happened;

namespace {

double const NaN = std::numeric_limits<double>::quiet_NaN();

at::Tensor there(at::Tensor const& x) { return x.to(support::pretend::device()); }

/// What is the same on every device: a function of two grids [B, T], a mask like them and a row [B].
struct law {
    char const* name;
    std::function<field(field const& x, field const& y, field const& mask, field const& row)> f;
};

std::vector<law> const functions{
    {"arithmetic", [](auto x, auto y, auto, auto) { return (1.0 - x) * y + x / (3.0 + y) - -y / 2.0; }},
    {"max, min", [](auto x, auto y, auto, auto) { return max(x, y) + 2.0 * min(x, y) + max(x, 0.5) - min(0.5, y); }},
    {"clamp by constants", [](auto x, auto, auto, auto) { return clamp(x, -0.5, 0.5) + clamp(x, 1.0, -1.0); }},
    {"clamp by arrays",
     [](auto x, auto y, auto, auto) { return clamp(x, y, 1.0) + clamp(x, -1.0, y) + clamp(x, y, y + 1.0); }},
    {"clamp of a constant", [](auto x, auto y, auto, auto) { return clamp(0.5, x, y) + clamp(0.5, 0.0, y); }},
    {"clamp by scalars",
     [](auto x, auto y, auto mask, auto) { return clamp(x, sum(mask) / -20.0, 1.0) * clamp(sum(mask), 0.1, 0.2) + y; }},
    {"clamp by NaN", [](auto x, auto, auto, auto) { return clamp(x, NaN, 1.0); }},
    {"comparisons",
     [](auto x, auto y, auto, auto) { return (x > y) + 2.0 * (x < y) + 4.0 * (x >= 0.5) + 8.0 * (0.5 <= y); }},
    {"select among arrays",
     [](auto x, auto y, auto mask, auto) { return select(mask, x, y) + select(x > y, y, 7.0) + select(y, -7.0, x); }},
    {"select among constants", [](auto x, auto y, auto, auto) { return select(x > y, 1.05, 0.3) * y; }},
    {"select among scalars",
     [](auto x, auto y, auto mask, auto) {
         return select(sum(mask) > 3.0, sum(mask), 0.3) * select(x, sum(mask), 1.05) + y;
     }},
    {"exp to detach", [](auto x, auto y, auto, auto) {
         return exp(x) + expm1(y) + log(abs(x) + 1.0) + sqrt(square(y) + 1.0) + sigmoid(x) + abs(x) + detach(y);
     }}};

std::vector<law> const operations{
    {"sums", [](auto x, auto, auto mask, auto) { return sum(x * mask) + row_sum(select(mask, x, 0.0)); }},
    {"spread", [](auto x, auto, auto, auto row) { return spread(row, x) * x; }},
    {"next_step", [](auto x, auto, auto, auto) { return next_step(x); }},
    {"groups",
     [](auto, auto, auto, auto row) { return group_mean(row, 2) * row + max_of_others(row, 4) + group_range(row, 2); }},
    {"reverse_scan",
     [](auto x, auto y, auto, auto) {
         return reverse_scan([](auto a, auto b) { return affine{a, b}; }, x, y);
     }},
    {"reverse_scan by a constant",
     [](auto x, auto y, auto, auto) {
         return reverse_scan([](auto a, auto b) { return affine{a - 0.5 * b, 0.95}; }, x, y);
     }},
    {"masked_mean", [](auto x, auto, auto mask, auto) { return masked_mean(x, mask); }},
    {"masked_variance", [](auto x, auto, auto mask, auto) { return masked_variance(x, mask); }},
    {"last_step", [](auto x, auto, auto mask, auto) { return x * last_step(mask); }},
    {"take_rows", [](auto x, auto, auto, auto) {
         return take_rows(x, std::vector{3, 0, 3});
     }}};

/// A law's value, with the gradients of its arguments where they learn.
std::vector<at::Tensor> evaluate(law const& one, std::vector<at::Tensor> const& arguments, bool learn,
                                 at::Device device) {
    std::vector<at::Tensor> inputs;
    for (auto const& x : arguments) inputs.push_back(x.detach().to(device, x.scalar_type(), false, /*copy=*/true));
    if (learn) inputs[0].set_requires_grad(true), inputs[1].set_requires_grad(true), inputs[3].set_requires_grad(true);
    std::int64_t const before = happened.waits();
    at::Tensor const value = one.f(inputs[0], inputs[1], inputs[2], inputs[3]).tensor;
    std::vector<at::Tensor> all{value.detach()};
    if (value.requires_grad()) {
        auto const weights = at::arange(1, value.numel() + 1, value.options().requires_grad(false)).view(value.sizes());
        torch::autograd::backward({(value * weights).sum()}, {});
        for (auto const& x : inputs)
            if (x.grad().defined()) all.push_back(x.grad());
    }
    CHECK(happened.waits() == before);
    return all;
}

void check_laws(std::vector<law> const& laws, bool with_NaN) {
    auto const type = GENERATE(at::kDouble, at::kFloat);
    auto const learn = GENERATE(false, true);
    auto const mask = at::tensor({1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1}, type).view({4, 3});
    auto const x =
        at::tensor({-2.0, -0.5, 0.5, 0.0, 1.0, with_NaN ? NaN : 0.2, 2.0, 0.7, 0.5, -1.0, 0.3, 1.5}, type).view({4, 3});
    auto const y = at::tensor({-1.0, -0.5, 0.5, 0.3, -1.0, 0.4, with_NaN ? NaN : 0.1, 0.7, 2.0, -1.0, 0.0, -0.5}, type)
                       .view({4, 3});
    auto const row = at::tensor({1.0, 3.0, 3.0, -0.5}, type);
    double const near = type == at::kDouble ? 1e-12 : 1e-5;
    for (auto const& one : laws) {
        INFO(one.name << (learn ? ", with gradients, in " : " in ") << at::toString(type));
        auto const here = evaluate(one, {x, y, mask, row}, learn, at::kCPU);
        auto const away = evaluate(one, {x, y, mask, row}, learn, support::pretend::device());
        REQUIRE(here.size() == away.size());
        for (std::size_t i = 0; i < here.size(); ++i) {
            INFO((i == 0 ? "value" : "gradient") << ": " << here[i] << "\nand " << away[i].cpu());
            CHECK(away[i].device() == support::pretend::device());
            CHECK(away[i].scalar_type() == here[i].scalar_type());
            CHECK(away[i].sizes().equals(here[i].sizes()));
            CHECK(at::allclose(away[i].cpu(), here[i], near, near, /*equal_nan=*/true));
        }
    }
}

tokenizer const& words() {
    static tokenizer const made =
        train_bpe(std::vector<std::string>{"the cat sat on the mat"}, {.vocabulary_size = 262});
    return made;
}

/// A model of its own with equal parameters, on another device or in another dtype.
causal_lm moved(causal_lm const& model, at::TensorOptions const& to) {
    auto const source = [&, from = copied(model.body->parameters())](auto const& name, auto const& shape, initial how) {
        return from(name, shape, how).to(to);
    };
    return {model.body->rebuild(source), model.lm_head.to(to, false, /*copy=*/true), model.config};
}
sequence_classifier moved(sequence_classifier const& model, at::TensorOptions const& to) {
    auto const source = [&, from = copied(model.body->parameters())](auto const& name, auto const& shape, initial how) {
        return from(name, shape, how).to(to);
    };
    return {model.body->rebuild(source), model.score.to(to, false, /*copy=*/true), model.config};
}

causal_lm model_of_words() {
    auto config = support::tiny_config();
    config["vocab_size"] = words().size();
    config["max_position_embeddings"] = 64;
    return support::tiny_model(config);
}

double first_letter(std::string const& /*prompt*/, std::string const& response) {
    return response.empty() ? 0.0 : double(response[0]) / 64.0;
}

/// What two updates logged, and the parameters they led to, on the CPU.
struct outcome {
    std::vector<metrics> logged;
    std::vector<completions_table> tables;
    std::vector<named_tensor> learned;
};

struct recorder final : trainer_callback {
    outcome seen;
    void on_log(trainer_state&, metrics const& m) override { seen.logged.push_back(m); }
    void on_completions(trainer_state&, completions_table const& t) override { seen.tables.push_back(t); }
};

/// Two updates by an algorithm on models of these options: rewards from text and from a model, tables, models saved.
outcome two_updates(std::string_view name, at::TensorOptions const& options) {
    support::temporary_folder const folder;
    PPOv2Config config;
    config.output_dir = folder.path;
    config.per_device_train_batch_size = 4;
    config.gradient_accumulation_steps = 2;
    config.num_mini_batches = 2;
    config.num_ppo_epochs = 2;
    config.total_episodes = 32;
    config.response_length = 6;
    config.stop_token = "eos";
    config.learning_rate = 1e-3;
    config.adam_epsilon = 1e-4;  // gradients of 0 but for rounding do not move a parameter
    config.per_device_eval_batch_size = 3;
    config.local_rollout_forward_batch_size = 5;
    auto const policy = model_of_words();
    auto const judge = moved(make_sequence_classifier(*policy.body, policy.config, 4), options);
    auto const seen = std::make_shared<recorder>();
    ppo_trainer_arguments given{
        .config = config,
        .tokenizer = words(),
        .policy = moved(policy, options),
        .ref_policy = moved(policy, options),
        .reward_model = weighted_reward({{1.0, text_reward(words(), first_letter)}, {0.1, model_reward(judge, 7)}}),
        .train_dataset = {}};
    for (int i = 0; i < 20; ++i)
        given.train_dataset.prompts.push_back(words().encode(std::string(std::size_t(1 + i % 7), char('a' + i))));
    given.eval_dataset = given.train_dataset;
    given.value_model = moved(make_sequence_classifier(*policy.body, policy.config, 9), options);
    given.ref_policy->lm_head.mul_(0.9);  // so that the reference says something else from the start
    given.callbacks = {seen};
    auto parameters = given.policy.parameters();
    for (auto const& parameter : given.value_model->parameters())
        parameters.push_back({"critic." + parameter.name, parameter.tensor});
    examples::with_algorithm(name, [&](auto const& algorithm) { ppo_trainer(algorithm, given).train(); });
    for (auto const& [parameter, tensor] : parameters) {
        CHECK(tensor.device() == options.device());
        seen->seen.learned.push_back({parameter, tensor.detach().cpu()});
    }
    return seen->seen;
}

void check_same(outcome const& here, outcome const& away, double relative, double absolute) {
    REQUIRE(here.logged.size() == 2);
    REQUIRE(away.logged.size() == 2);
    for (std::size_t update = 0; update < 2; ++update) {
        int compared = 0;
        for (auto const& [name, value] : here.logged[update]) {
            if (name == "eps" || name.starts_with("time/")) continue;
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

TEST_CASE("pretend device: to take its addresses for the host's memory ends the process") {
    at::Tensor const x = there(at::ones({3}));
    ::pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::signal(SIGSEGV, SIG_DFL);  // not Catch's report
        ::_exit(static_cast<volatile float const*>(x.data_ptr())[1] == 1.0f ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSEGV);
}

TEST_CASE("pretend device: waits are counted, a host tensor beside one of its own is refused, memory is given back") {
    std::int64_t const before = happened.bytes;
    {
        std::int64_t reads = happened.reads, writes = happened.writes;
        at::Tensor const x = there(at::arange(6, at::kDouble).view({2, 3}));
        CHECK(happened.writes == writes + 1);
        CHECK(happened.bytes > before);
        at::Tensor const y = (x.t() * 2.0 + 1.0).contiguous();
        CHECK(happened.reads == reads);
        CHECK(y.sum().item<double>() == 36.0);
        CHECK(happened.reads == reads + 1);
        CHECK(at::equal(y.cpu(), at::tensor({1.0, 7.0, 3.0, 9.0, 5.0, 11.0}).to(at::kDouble).view({3, 2})));
        CHECK(happened.reads == reads + 2);
        CHECK(y.gt(6.0).nonzero().size(0) == 3);
        CHECK(happened.reads == reads + 3);
        at::ones({2}).to(x.device(), at::kFloat, /*non_blocking=*/true);
        CHECK(happened.writes == writes + 1);
        CHECK_THROWS_WITH(x + at::ones({2, 3}), Catch::Contains("same device"));
        CHECK_THROWS_WITH(x.index_select(0, at::zeros({1}, at::kLong)), Catch::Contains("same device"));
        CHECK_THROWS_WITH(x.index_select(0, at::zeros({}, at::kLong)), Catch::Contains("same device"));
        CHECK_THROWS_WITH(at::cat({x, at::ones({2, 3}, at::kDouble)}), Catch::Contains("same device"));
    }
    CHECK(happened.bytes == before);
}

TEST_CASE("any device: a function of field gives what it gives on the CPU, ties, bounds and NaN too, and never waits") {
    check_laws(functions, true);
}

TEST_CASE("any device: an array operation gives what it gives on the CPU, and only item waits") {
    check_laws(operations, false);
    std::int64_t const reads = happened.reads;
    CHECK(item(field(there(at::scalar_tensor(2.5)))) == 2.5);
    CHECK(happened.reads == reads + 1);
    CHECK_THROWS_WITH(field(there(at::ones({2, 2}))) + field(at::ones({2, 2})), Catch::Contains("same device"));
}

TEST_CASE("any device: two updates of every algorithm are those on the CPU") {
    auto const name = GENERATE(as<std::string>{}, "ppo", "rloo", "grpo", "dapo", "gspo", "remax", "off_policy", "mine");
    INFO(name);
    auto const here = two_updates(name, at::kDouble);
    std::int64_t const operations = happened.operations;
    auto const away = two_updates(name, at::TensorOptions(support::pretend::device()).dtype(at::kDouble));
    CHECK(happened.operations > operations + 1000);
    check_same(here, away, 1e-5, 1e-10);
    for (auto const& [parameter, tensor] : away.learned)
        if (parameter == "embed_out.weight") CHECK_FALSE(at::allclose(tensor, model_of_words().lm_head, 1e-5, 1e-5));
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
    auto const scores = model_reward(moved(judge, options), 2)(episodes);
    CHECK(scores.device() == options.device());
    CHECK(at::allclose(scores.cpu(), model_reward(judge)(episodes), 1e-12, 1e-12));

    std::vector<demonstration> const data{{{1, 2, 3}, {4, 5}}, {{6}, {7, 8}}, {{9, 8}, {7}}, {{3}, {2, 1}}};
    auto const here = clone(body), away = moved(body, options);
    fine_tune_options const how{.steps = 3, .batch_size = 2};
    CHECK(fine_tune(away, data, how) == Approx(fine_tune(here, data, how)).epsilon(1e-10));
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
