// SPDX-License-Identifier: Apache-2.0
// --bf16 and --fp16 in both trainers. Where there is neither a GPU nor a processor that multiplies bfloat16 numbers
// they are refused (tests/lm/train/set_precision.cpp), and the tests of their parts are all that runs.
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/model/mixed_precision_backbone.hpp>
#include <proximal/lm/train/demonstration_objective.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/lm/train/supervised_trainer.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

namespace {

enum class precision { full, bf16, fp16 };

at::Device precise_device() { return libtorch::choose_device(/*use_cpu=*/false); }
bool runs(precision which) {
    auto const device = precise_device();
    return which == precision::full || device.is_cuda() || (which == precision::bf16 && has_bfloat16_instructions());
}
void set(run::training_options& config, precision which) {
    config.bf16 = which == precision::bf16;
    config.fp16 = which == precision::fp16;
}

/// A language model in float32 on the device.
causal_lm single_on(at::Device device) {
    auto const model = support::tiny_model(support::config_for_words());
    auto const to = at::TensorOptions(device).dtype(at::kFloat);
    auto const source = [&, from = copied(model.body->parameters())](auto const& name, auto const& shape, auto kind) {
        return from(name, shape, kind).to(to);
    };
    return {model.body->rebuild(source), model.lm_head.to(to, false, /*copy=*/true), model.config};
}

struct two_ppo_updates {
    std::vector<run::metrics> logged;
    at::Tensor head;
};
two_ppo_updates updated(precision which, bool recomputes = false) {
    auto config = support::small_config();
    set(config, which);
    config.gradient_checkpointing = recomputes;
    config.adam_epsilon = 1e-4;  // gradients of 0 but for rounding do not move a parameter
    auto given = support::arguments(config);
    auto const device = precise_device();
    given.policy = single_on(device);
    given.ref_policy = single_on(device);
    given.ref_policy->lm_head.mul_(0.9);
    given.value_model = make_sequence_classifier(*given.policy.body, given.policy.config, 9);
    ppo_trainer trainer(run::stock_ppo(config), given);
    two_ppo_updates result;
    for (int i = 0; i < 2; ++i) result.logged.push_back(trainer.step());
    bool const is_mixed = dynamic_cast<mixed_precision_backbone const*>(trainer.policy().body.get()) != nullptr;
    CHECK(is_mixed == (which != precision::full));
    for (auto const& parameter : trainer.policy().parameters()) {
        CHECK(parameter.tensor.scalar_type() == at::kFloat);
        CHECK(parameter.tensor.isfinite().all().item<bool>());
        CHECK_FALSE(parameter.tensor.grad().defined());
    }
    result.head = trainer.policy().lm_head.detach().cpu();
    CHECK_FALSE(at::allclose(result.head, single_on(device).lm_head.cpu(), 1e-5, 1e-5));
    return result;
}
void check_finite(run::metrics const& logged) {
    for (auto const& [name, value] : logged) {
        CAPTURE(name);
        CHECK((std::isfinite(value) || name == "val/ratio_var"));
    }
}

}  // namespace

TEST_CASE("gpu: two updates of ppo with --bf16 and with --fp16 are near those in float32") {
    auto const which = GENERATE(precision::bf16, precision::fp16);
    if (!runs(which)) {
        WARN("SKIPPED: nothing on this machine multiplies such numbers");
        return;
    }
    CAPTURE(which == precision::bf16);
    auto const full = updated(precision::full), narrow = updated(which);
    for (std::size_t i = 0; i < 2; ++i) {
        auto const& logged = narrow.logged[i];
        check_finite(logged);
        for (auto const* const name : {"val/ratio_at_start", "val/ratio"})
            CHECK(*logged.find(name) == Approx(1.0).margin(0.1));
        CHECK((logged.find("precision/loss_scale") != nullptr) == (which == precision::fp16));
        if (auto const* const scale = logged.find("precision/loss_scale"))
            CHECK(*scale * std::exp2(*logged.find("precision/steps_skipped")) == (i == 0 ? 65536.0 : *scale));
    }
    for (auto const* const name : {"objective/entropy", "loss/value_avg", "grad_norm"})  // of other samples, a little
        if (auto const* const value = narrow.logged[0].find(name))  // no norm, where every step overflowed
            CHECK(*value == Approx(*full.logged[0].find(name)).epsilon(0.5));
    CHECK_FALSE(narrow.head.equal(full.head));  // it did compute in other numbers
}

TEST_CASE("gpu: recomputed layers and --bf16 together give what --bf16 gives") {
    if (!runs(precision::bf16)) {
        WARN("SKIPPED: nothing on this machine multiplies such numbers");
        return;
    }
    auto const plain = updated(precision::bf16), recomputed = updated(precision::bf16, true);
    CHECK(at::allclose(recomputed.head, plain.head, 1e-3, 1e-4));
    check_finite(recomputed.logged[1]);
}

TEST_CASE("gpu: supervised fine-tuning learns with --bf16 and with --fp16 as in float32, and resumes") {
    support::temporary_folder const folder;
    auto const rows = [] {
        std::vector<demonstration> all;
        for (std::size_t i = 0; i < 32; ++i) {
            all.push_back({support::words().encode(std::string(1 + i % 4, static_cast<char>('a' + i % 20))),
                           support::words().encode(" the cat " + std::to_string(i % 3))});
            all.back().completion.push_back(*support::words().eos_token_id());
        }
        return all;
    }();
    auto const losses = [&](precision which) {
        run::training_options config;
        set(config, which);
        config.per_device_train_batch_size = 4;
        config.gradient_accumulation_steps = 2;
        config.max_steps = 8;
        config.learning_rate = 1e-2;
        config.max_grad_norm = 1.0;
        config.output_dir = (folder.path / std::to_string(static_cast<int>(which))).string();
        config.save_strategy = "steps";
        config.save_steps = 4;
        config.report_to = "none";
        auto const objective = [&] {
            return std::make_shared<demonstration_objective>(single_on(precise_device()), support::words(), rows,
                                                             std::vector<demonstration>{}, 0.5);
        };
        supervised_trainer trainer({.config = config, .objective = objective()});
        trainer.train();
        auto const last = trainer.step();
        check_finite(last);
        auto elsewhere = config;
        elsewhere.output_dir = config.output_dir + "b";
        supervised_trainer resumed({.config = elsewhere, .objective = objective()});
        resumed.resume(std::filesystem::path(config.output_dir) / "checkpoint-4");
        auto const fifth = resumed.step();
        if (which == precision::fp16) CHECK(*fifth.find("precision/loss_scale") <= 65536.0);
        return std::pair(*fifth.find("loss"), *last.find("loss"));
    };
    auto const [full_fifth, full_last] = losses(precision::full);
    for (auto const which : {precision::bf16, precision::fp16}) {
        if (!runs(which)) {
            WARN("SKIPPED: nothing on this machine multiplies such numbers");
            continue;
        }
        auto const [fifth, last] = losses(which);
        CHECK(fifth == Approx(full_fifth).epsilon(0.1));
        CHECK(last < fifth);
        CHECK(last == Approx(full_last).epsilon(0.25));
    }
}
