// SPDX-License-Identifier: Apache-2.0
#include <ATen/record_function.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/generation/generate.hpp>
#include <proximal/lm/generation/greedy_sampler.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/reward/weighted_reward.hpp>
#include <proximal/lm/train/fine_tune.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/stock_ppo.hpp>
#include <string>
#include <string_view>
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
    std::function<void(run::PPOv2Config&)> const& change = [](run::PPOv2Config&) {},
    std::filesystem::path const& checkpoint = {}) {
    support::temporary_folder const folder;
    auto config = support::small_config();
    config.output_dir = folder.path;
    config.response_length = 6;
    config.adam_epsilon = 1e-4;  // gradients of 0 but for rounding do not move a parameter
    change(config);
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
    ppo_trainer trainer(algorithm, given);
    if (!checkpoint.empty()) trainer.resume(checkpoint);
    trainer.train();
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
        CHECK(fused.operations < away.operations * 3 / 4);
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

namespace {

std::vector<std::vector<std::int64_t>> const some_prompts{{1, 2, 3}, {4}, {5, 6}, {7, 8, 9, 1}, {2, 2}};

causal_lm model_of_positions(std::int64_t positions) {
    auto config = support::tiny_config();
    config["max_position_embeddings"] = positions;
    return support::tiny_model(config);
}

/// What a step of decoding asks of the device: operations with the shapes they are given, in order, and memory.
struct step_cost {
    std::vector<std::string> listed{};
    std::int64_t operations = 0, allocations = 0, bytes = 0, waits = 0;
    friend bool operator==(step_cost const&, step_cost const&) = default;
};

/// The steps of a batch of some_prompts after its prefill, and what they led to.
std::vector<step_cost> steps_of(causal_lm const& model, sampling const& how, multinomial_sampler const& sampler,
                                decode_state& state) {
    auto const device = model.body->options().device();
    auto const B = std::ssize(some_prompts), T = how.max_new_tokens;
    state.tokens = at::zeros({B, T}, at::TensorOptions(device).dtype(at::kLong));
    state.logprobs = at::zeros({B, T}, model.body->options());
    std::vector<step_cost> steps(1);
    support::pretend::observer = [&](c10::OperatorHandle const& op, torch::jit::Stack const& stack) {
        auto line = op.schema().name();
        for (auto const& argument : torch::jit::last(stack, op.schema().arguments().size()))
            support::pretend::for_each_tensor(argument, [&](at::Tensor const& x) {
                line += " " + c10::str(x.sizes(), x.strides(), x.scalar_type());
            });
        steps.back().listed.push_back(line);
    };
    c10::InferenceMode const no_autograd;
    state.plan = libtorch::upload(sampler.plan(B, T), device);
    auto const draw = [&](at::Tensor const& logits) { return draw_tokens(sampler, logits, how, state, -1); };
    prefill(model, some_prompts, T, state, how.stop_token, draw);
    for (std::int64_t step = 1; step < T; ++step) {
        steps.emplace_back();
        auto const operations = happened.operations.load(), allocations = happened.allocations.load(),
                   bytes = happened.bytes.load(), waits = happened.waits();
        decode_step(model, state, state.cache.capacity, how.stop_token, draw);
        steps.back().operations = happened.operations - operations;
        steps.back().allocations = happened.allocations - allocations;
        steps.back().bytes = happened.bytes - bytes;
        steps.back().waits = happened.waits() - waits;
    }
    support::pretend::observer = {};
    steps.erase(steps.begin());
    return steps;
}

}  // namespace

TEST_CASE("any device: decoding asks for the same operations and memory at every step, and keeps none of it") {
    auto const model = moved(support::tiny_model(), support::pretend::device());
    multinomial_sampler const sampler{3};
    auto const check = [&](sampling const& how, std::int64_t most) {
        decode_state state;
        auto const steps = steps_of(model, how, sampler, state);
        for (auto const& step : steps) CHECK(step == steps[0]);
        INFO(steps[0].operations << " operations for two layers");
        CHECK(std::ssize(steps[0].listed) > 20);
        CHECK(steps[0].operations <= most);
        CHECK(steps[0].bytes == 0);
        CHECK(steps[0].waits == 0);
        // The same tokens as generate's, whose steps read as many columns as there are.
        auto const drawn = generate(model, some_prompts, how, sampler);
        CHECK(at::equal(end_at_stop(state.tokens, state.logprobs, how.stop_token, 0).tokens, drawn.tokens));
    };
    sampling const plain{.max_new_tokens = 12, .stop_token = 0},
        filtered{.top_k = 6, .top_p = 0.9, .max_new_tokens = 12, .stop_token = 0};
    check(plain, 97);
    check(filtered, 110);
    support::pretend::with_kernels const kernels;
    check(plain, 71);
    check(filtered, 71);
}

namespace {

/// generate() with graphs on a device gives the CPU's tokens. Returns how many rows ran at each step of the last call.
std::vector<std::int64_t> check_graphs(at::Device device, std::function<void()> const& on_step) {
    auto const body = model_of_positions(64);
    auto const model = moved(body, device);
    std::vector<std::vector<std::int64_t>> prompts = some_prompts;
    for (int row = 0; row < 12; ++row) prompts.push_back({1 + row % 9, 3, 1 + row % 4});
    std::vector<std::int64_t> running;
    auto const check = [&](sampling how, auto const& sampler) {
        auto const here = generate(body, prompts, how, sampler);
        how.graphs = true;
        running.clear();
        auto const away = generate(model, prompts, how, sampler,
                                   [&](std::int64_t, std::int64_t rows) { running.push_back(rows), on_step(); });
        CHECK(at::equal(away.tokens, here.tokens));
        CHECK(at::equal(away.lengths, here.lengths));
        CHECK(at::allclose(away.logprobs.cpu(), here.logprobs, 1e-10, 1e-10));
    };
    check({.temperature = 0.8, .max_new_tokens = 12}, multinomial_sampler{5, 100});
    check({.max_new_tokens = 12}, greedy_sampler{});
    check({.temperature = 1.1, .top_k = 7, .top_p = 0.8, .max_new_tokens = 12}, multinomial_sampler{9});
    check({.temperature = 3.0, .max_new_tokens = 50, .stop_token = 4}, multinomial_sampler{11});
    return running;
}

}  // namespace

TEST_CASE(
    "any device: with graphs of a step tokens are the same, rows leave, and nothing is made between repetitions") {
    bool const with_kernels = GENERATE(false, true);
    std::optional<support::pretend::with_kernels> kernels;
    if (with_kernels) kernels.emplace();
    std::vector<std::int64_t> allocations;
    auto const running = check_graphs(support::pretend::device(), [&] { allocations.push_back(happened.allocations); });
    CHECK(running.back() < 17);
    int repeated = 0;
    for (std::size_t step = 1; step < allocations.size(); ++step)
        repeated += allocations[step] == allocations[step - 1];
    CHECK(repeated > 50);  // of 82: what a recorded step works in is its graph's, and not counted

    auto const body = support::tiny_model(), model = moved(body, support::pretend::device());
    CHECK_THROWS_WITH(generate(body, {{1}}, {.max_new_tokens = 3, .graphs = true}, greedy_sampler{}),
                      Catch::Contains("sampling.graphs needs a device whose operations can be recorded, not cpu"));
    auto const unplanned = [](at::Tensor const& x, at::Tensor const&, std::int64_t) { return x.argmax(1); };
    CHECK_THROWS_WITH(generate(model, {{1}}, {.max_new_tokens = 3, .graphs = true}, unplanned),
                      Catch::Contains("needs a sampler that plans"));
}

TEST_CASE("gpu: with graphs of a step the tokens are the CPU's, and rows leave") {
    auto const gpu = libtorch::choose_device(/*use_cpu=*/false);
    if (!gpu.is_cuda()) {
        WARN("SKIPPED: no NVIDIA GPU on this machine");
        return;
    }
    CHECK(check_graphs(gpu, [] {}).back() < 17);
}

TEST_CASE("any device: graphs go on over several recordings: columns are read in multiples") {
    auto const body = model_of_positions(200);
    auto const model = moved(body, support::pretend::device());
    sampling how{.max_new_tokens = 2 * graph_columns + 10};
    auto const here = generate(body, some_prompts, how, multinomial_sampler{2});
    how.graphs = true;
    CHECK(at::equal(generate(model, some_prompts, how, multinomial_sampler{2}).tokens, here.tokens));
}

TEST_CASE("any device: two updates of ppo with graphs, and in bfloat16, are those without within its rounding") {
    at::TensorOptions const away = at::TensorOptions(support::pretend::device()).dtype(at::kDouble);
    support::pretend::with_kernels const kernels;
    check_same(two_updates("ppo", at::kDouble), two_updates("ppo", away, [](auto& c) { c.cuda_graphs = true; }), 1e-5,
               1e-10);

    auto const single = away.dtype(at::kFloat);
    auto const wide = two_updates("ppo", single), narrow = two_updates("ppo", single, [](auto&c) { c.bf16 = true; });
    REQUIRE(narrow.logged.size() == 2);
    auto const value = [](auto const& of, char const* name) { return *of.logged[0].find(name); };
    CHECK(value(narrow, "val/ratio_at_start") == Approx(1.0).margin(2e-2));
    CHECK(value(narrow, "objective/entropy") != value(wide, "objective/entropy"));
    for (char const* name : {"objective/entropy", "objective/kl"})
        CHECK(value(narrow, name) == Approx(value(wide, name)).epsilon(0.1).margin(0.1));
    for (std::size_t i = 0; i < wide.learned.size(); ++i) {
        CHECK(narrow.learned[i].tensor.scalar_type() == at::kFloat);
        CHECK(at::isfinite(narrow.learned[i].tensor).all().item<bool>());
    }
    CHECK(narrow.reads == wide.reads);
}

TEST_CASE("any device: a run with evaluations that is resumed from a checkpoint is the run that went on") {
    at::TensorOptions const away = at::TensorOptions(support::pretend::device()).dtype(at::kFloat);
    for (bool const narrow : {false, true})
        for (char const* name : {"ppo", "grpo"}) {
            INFO(name << (narrow ? " in bfloat16" : ""));
            support::temporary_folder const first, second;
            auto const into = [&](auto const& folder) {
                return [&](run::PPOv2Config& config) {
                    config.output_dir = folder.path;
                    config.save_strategy = config.eval_strategy = "steps";
                    config.save_steps = 1, config.eval_steps = 1;
                    config.bf16 = narrow;
                };
            };
            auto const whole = two_updates(name, away, into(first));
            auto const resumed = two_updates(name, away, into(second), first.path / "checkpoint-1");
            REQUIRE(!whole.logged.empty());
            REQUIRE(resumed.logged.size() < whole.logged.size());
            for (auto const& [metric, value] : whole.logged.back())
                if (!run::is_of_the_machine(metric)) {
                    INFO(metric);
                    auto const* const again = resumed.logged.back().find(metric);
                    REQUIRE(again != nullptr);
                    CHECK((*again == value || (std::isnan(*again) && std::isnan(value))));
                }
            for (std::size_t i = 0; i < whole.learned.size(); ++i)
                CHECK(at::equal(resumed.learned[i].tensor, whole.learned[i].tensor));
        }
}

#ifdef NDEBUG  // else LibTorch's RecordFunction has a member more in its header than in its library
TEST_CASE("any device: attention is what a GPU has one kernel for: causal without a mask, aligned, last stride 1") {
    struct call {
        bool causal, masked;
        std::vector<at::Tensor> qkv;
    };
    static std::vector<call> calls;
    calls.clear();
    auto const handle = at::addGlobalCallback(
        at::RecordFunctionCallback([](at::RecordFunction const& f) -> std::unique_ptr<at::ObserverContext> {
            if (std::string_view(f.name()) == "aten::scaled_dot_product_attention") {
                auto const in = f.inputs();
                calls.push_back({in[5].toBool(),
                                 in[3].isTensor() && in[3].toTensor().defined(),
                                 {in[0].toTensor(), in[1].toTensor(), in[2].toTensor()}});
            }
            return nullptr;
        })
            .needsInputs(true)
            .scopes({at::RecordScope::FUNCTION}));
    auto const model = moved(support::tiny_model(), at::TensorOptions(support::pretend::device()).dtype(at::kFloat));
    auto const even = pack_tokens({{1, 2, 3}, {4, 5, 6}}, support::pretend::device());
    auto const ragged = pack_tokens({{1, 2, 3}, {4}}, support::pretend::device());
    model.body->forward(even), model.body->forward(ragged);
    auto const whole = calls.size();
    generate(model, {{1, 2, 3}, {4}}, {.max_new_tokens = 2}, greedy_sampler{});
    at::removeCallback(handle);
    REQUIRE(whole == 2 * model.body->layer_count());
    REQUIRE(calls.size() == 2 * whole);
    for (std::size_t i = 0; i < calls.size(); ++i) {
        bool const decodes = i >= whole + whole / 2;
        CHECK(calls[i].causal == !decodes);
        CHECK(calls[i].masked == decodes);  // each row has its own length
        for (auto const& x : calls[i].qkv) {
            CHECK(x.dim() == 4);
            CHECK(x.stride(3) == 1);
            for (auto const bytes : {x.storage_offset() * 4, x.stride(0) * 4, x.stride(1) * 4, x.stride(2) * 4})
                CHECK((x.size(3) % 4 != 0 || bytes % 16 == 0));
            CHECK(x.scalar_type() == calls[i].qkv[0].scalar_type());
        }
    }
}
#endif

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
