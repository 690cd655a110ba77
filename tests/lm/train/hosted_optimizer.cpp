// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/configured_optimizer.hpp>
#include <proximal/lm/train/hosted_optimizer.hpp>
#include <proximal/run/saved_state.hpp>

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

namespace {
struct moved_by_hand {
    at::Tensor weight = at::linspace(-1.0, 1.0, 12, at::kDouble).view({3, 4}).requires_grad_();
    at::Tensor bias = at::linspace(0.5, 1.0, 3, at::kDouble).requires_grad_();
    std::vector<named_tensor> parameters{{"weight", parameter_kind::matrix, weight},
                                         {"bias", parameter_kind::bias, bias}};
    void give_gradients(double scale, bool with_bias = true) const {
        weight.mutable_grad() = weight.detach() * scale;
        bias.mutable_grad() = with_bias ? at::full({3}, scale, at::kDouble) : at::Tensor();
    }
};
hosted_optimizer::maker const make_adamw = [](std::vector<named_tensor> part) {
    return std::make_shared<adamw>(part, adamw_options{.weight_decay = 0.1});
};
}  // namespace

TEST_CASE(
    "hosted_optimizer: steps are those of the optimizer on the host, whatever happens to the parameters between") {
    moved_by_hand const here, there;
    adamw plain(here.parameters, {.weight_decay = 0.1});
    hosted_optimizer hosted(there.parameters, make_adamw);
    for (int step = 1; step <= 4; ++step) {
        for (auto const* model : {&here, &there}) {
            model->give_gradients(step, step != 3);
            if (step == 2) {  // as a checkpoint that is loaded does
                at::NoGradGuard const no_gradient;
                model->weight.detach().mul_(0.5);
            }
        }
        plain.step(0.05);
        hosted.step(0.05);
        CHECK(at::equal(here.weight, there.weight));
        CHECK(at::equal(here.bias, there.bias));
        CHECK(there.weight.grad().defined());  // the gradients stay, as those of any optimizer do
    }
}

TEST_CASE("hosted_optimizer: what it has learnt is saved and read as the other's") {
    moved_by_hand const first, second;
    hosted_optimizer hosted(first.parameters, make_adamw);
    adamw plain(second.parameters, {.weight_decay = 0.1});
    first.give_gradients(1.0);
    hosted.step(0.1);
    run::saved_state saved;
    run::state_writer writer(saved);
    hosted.visit_state(writer);
    run::state_reader reader(saved);
    plain.visit_state(reader);
    reader.finish();
    {
        at::NoGradGuard const no_gradient;
        second.weight.detach().copy_(first.weight);
        second.bias.detach().copy_(first.bias);
    }
    first.give_gradients(2.0);
    second.give_gradients(2.0);
    hosted.step(0.1);
    plain.step(0.1);
    CHECK(at::equal(first.weight, second.weight));
}

TEST_CASE("configured_optimizer: --offload_optimizer is for a device, and for the optimizer that --optim names") {
    run::training_options config;
    config.offload_optimizer = true;
    moved_by_hand const model;
    CHECK_THROWS_WITH(configured_optimizer(config, model.parameters, std::make_shared<single_process>()),
                      Catch::Contains("--offload_optimizer moves from a GPU's memory"));
    sgd const own(model.parameters, 0.0);
    CHECK_THROWS_WITH(check_own_optimizer(own, model.parameters, config),
                      Catch::Contains("make it a hosted_optimizer"));
}
