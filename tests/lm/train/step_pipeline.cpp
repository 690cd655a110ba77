// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../support/thread_communicator.hpp"
#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;

namespace {
struct two_parameters {
    at::Tensor a = at::tensor({1.0, 2.0}, at::kDouble).requires_grad_(),
               b = at::tensor({3.0}, at::kDouble).requires_grad_();
    adamw optimizer{{{"a.weight", parameter_kind::matrix, a}, {"b.weight", parameter_kind::matrix, b}}, {}};

    void gradients(double x, double y, double z) {
        a.mutable_grad() = at::tensor({x, y}, at::kDouble);
        b.mutable_grad() = at::tensor({z}, at::kDouble);
    }
};
auto guarded_by(verdict const said) {
    return algorithm{terminal_score{}, gae{}, clipped_surrogate{}, token_mean{},
                     [said](step_summary const&) { return said; }};
}
optimizer_step step_on(two_parameters& model) {
    return {.optimizer = model.optimizer, .learning_rate = 0.1, .where = " here", .sums = {1.0, 0.0, 1.0}};
}
}  // namespace

TEST_CASE("clip_gradients: PyTorch's rule by hand; below the norm nothing changes") {
    two_parameters model;
    model.gradients(3.0, 0.0, 4.0);
    clip_gradients(model.optimizer, 5.0, 10.0);
    CHECK(model.a.grad()[0].item<double>() == 3.0);
    clip_gradients(model.optimizer, 5.0, 1.0);
    CHECK(model.a.grad()[0].item<double>() == Approx(3.0 / (5.0 + 1e-6)).epsilon(1e-15));
    CHECK(model.b.grad()[0].item<double>() == Approx(4.0 / (5.0 + 1e-6)).epsilon(1e-15));
}

TEST_CASE("step_pipeline: the guard is asked first, and what it leaves out may be NaN") {
    single_process alone;
    for (auto const said : {verdict::take, verdict::skip, verdict::stop}) {
        two_parameters model;
        model.gradients(std::nan(""), 1.0, 1.0);
        auto const algorithm = trainable(guarded_by(said));
        auto step = step_on(model);
        auto const run_all = [&] {
            for (auto const& stage : stock_pipeline(algorithm, alone)) stage(step);
        };
        if (said == verdict::take)
            CHECK_THROWS_WITH(run_all(), Catch::StartsWith("the gradient became nan here: lower"));
        else CHECK_NOTHROW(run_all());
        CHECK_FALSE(step.taken);
        CHECK(model.a[0].item<double>() == 1.0);
    }
}

TEST_CASE("step_pipeline: a loss that was not finite is the first cause") {
    single_process alone;
    two_parameters model;
    model.gradients(std::nan(""), 1.0, 1.0);
    auto const algorithm = trainable(guarded_by(verdict::take));
    auto step = step_on(model);
    step.failure = "the loss became inf in epoch 1";
    CHECK_THROWS_WITH(
        [&] {
            for (auto const& stage : stock_pipeline(algorithm, alone)) stage(step);
        }(),
        Catch::StartsWith("the loss became inf in epoch 1: lower"));
}

TEST_CASE("step_pipeline: a stage of one's own stands where it is put") {
    single_process alone;
    two_parameters model;
    model.gradients(1.0, 1.0, 1.0);
    auto const algorithm = trainable(guarded_by(verdict::take));
    std::vector<std::string> order;
    auto stages = stock_pipeline(
        algorithm, alone, 1.0, [&](optimizer_step& s) { order.push_back(s.taken ? "late" : "before"); },
        [&](optimizer_step& s) { order.push_back(s.taken ? "after" : "early"); });
    stages.insert(stages.begin(), [&](optimizer_step&) { order.push_back("first"); });
    auto step = step_on(model);
    for (auto const& stage : stages) stage(step);
    CHECK((order == std::vector<std::string>{"first", "before", "after"}));
    CHECK(step.taken);
    CHECK(model.a.grad().defined());  // gradients stay until update() drops them
}

TEST_CASE("step_pipeline: processes step alike, also one that had nothing to learn from") {
    two_parameters models[2];
    models[0].gradients(2.0, 4.0, 6.0);  // the other has none: all its groups were flat
    support::as_processes(2, [&](auto const& world) {
        auto const algorithm = trainable(guarded_by(verdict::take));
        auto& model = models[world->rank()];
        auto step = step_on(model);
        if (world->rank() == 1) step.sums = {};
        for (auto const& stage : stock_pipeline(algorithm, *world)) stage(step);
    });
    CHECK(at::equal(models[0].a, models[1].a));
    CHECK(models[1].a.grad()[1].item<double>() == 2.0);
    CHECK(models[1].a[0].item<double>() != 1.0);
}

TEST_CASE("step_pipeline: where no process has anything to learn from, none steps") {
    two_parameters models[2];
    bool taken[2]{true, true};
    verdict said[2]{verdict::skip, verdict::skip};
    support::as_processes(2, [&](auto const& world) {
        auto const algorithm = trainable(guarded_by(verdict::stop));
        auto step = step_on(models[world->rank()]);
        step.sums = {};
        for (auto const& stage : stock_pipeline(algorithm, *world)) stage(step);
        taken[world->rank()] = step.taken;
        said[world->rank()] = step.decision;
    });
    CHECK_FALSE((taken[0] || taken[1]));
    CHECK((said[0] == verdict::take && said[1] == verdict::take));  // the guard was not asked about nothing
}

TEST_CASE("ppo_trainer: --max_grad_norm bounds the step; not given, nothing is clipped") {
    auto const learned = [](std::optional<double> max_grad_norm) {
        auto config = support::small_config();
        config.max_grad_norm = max_grad_norm;
        ppo_trainer trainer(stock_ppo(config), support::arguments(config));
        auto const logged = trainer.step();
        return std::pair(trainer.policy().lm_head.detach().clone(), *logged.find("grad_norm"));
    };
    auto const [free, norm] = learned({});
    CHECK(norm > 1e-3);  // logged as it was before clipping
    CHECK(at::equal(learned(1e9).first, free));
    CHECK(learned(1e-9).second == Approx(norm).epsilon(0.5));
    CHECK_FALSE(at::equal(learned(1e-9).first, free));
}

TEST_CASE("update: an error leaves no gradient behind") {
    auto config = support::small_config();
    auto given = support::arguments(config);
    given.policy.lm_head[0][0] = std::nan("");
    given.ref_policy = clone(support::tiny_model(support::config_for_words()));
    ppo_trainer trainer(stock_ppo(config), given);
    CHECK_THROWS_AS(trainer.step(), non_finite_error);
    for (auto const& parameter : trainer.policy().parameters()) CHECK_FALSE(parameter.tensor.grad().defined());
}
