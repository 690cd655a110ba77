// SPDX-License-Identifier: Apache-2.0
#include "../../examples/cartpole/collect.hpp"

#include <catch2/catch.hpp>

#include "../../examples/cartpole/eigen_learner.hpp"
#include "../../examples/cartpole/torch_learner.hpp"
#include "../support/backends.hpp"

using namespace cartpole;

namespace {

matrix read(at::Tensor const& x) {
    return support::read(support::field(x.dim() == 1 ? x.unsqueeze(0) : x)).cells.matrix();
}
double worst(matrix const& a, matrix const& b) { return (a - b).cwiseAbs().maxCoeff(); }

/// The largest difference between a network's numbers and what `of` gives of the tensors.
double apart(mlp const& net, torch_learner::parameters const& tensors, auto const& of) {
    REQUIRE(tensors.size() == 2 * net.size());
    double result = 0.0;
    for (std::size_t i = 0; i < net.size(); ++i)
        for (auto const& [x, y] : {std::pair{net[i].weight, read(of(tensors[2 * i].tensor))},
                                   {net[i].bias, read(of(tensors[2 * i + 1].tensor))}})
            result = std::max(result, worst(x, y));
    return result;
}

}  // namespace

TEST_CASE("cartpole: Eigen and LibTorch agree on opinions, advantages, loss, gradients and where descent leads") {
    eigen_learner by_hand(16, 3);
    torch_learner by_autograd(16, 3, at::kDouble);
    auto const itself = [](at::Tensor const& x) { return x.detach(); };
    REQUIRE(apart(by_hand.policy, by_autograd.policy, itself) == 0.0);
    REQUIRE(apart(by_hand.critic, by_autograd.critic, itself) == 0.0);

    environment carts(4, {1, purpose::carts});
    random_stream random(2, purpose::actions);
    auto const r = collect([&](auto const& s) { return by_hand.judge(s); }, carts, 50, discount, random);
    auto const judged = by_hand.evaluate(r);
    auto const judged_too = by_autograd.evaluate(r);
    CHECK(support::difference(judged_too.advantages, judged.advantages) < support::tolerance);
    CHECK(support::difference(judged_too.returns, judged.returns) < support::tolerance);

    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < r.size(); i += 3) index.push_back(r.size() - 1 - i);
    for (int step = 0; step < 5; ++step) {  // at the first every ratio is 1: a tie; later some are clipped
        auto const found = by_hand.gradient(r, judged, index);
        auto const loss = by_autograd.loss(r, judged_too, index);
        CHECK(loss.item<double>() == Approx(found.loss).epsilon(1e-12));
        loss.backward();
        auto const slope = [](at::Tensor const& x) { return x.grad(); };
        CHECK(apart(found.policy, by_autograd.policy, slope) < 1e-12);
        CHECK(apart(found.critic, by_autograd.critic, slope) < 1e-11);
        for (auto const* net : {&by_autograd.policy, &by_autograd.critic})
            for (auto const& parameter : *net) parameter.tensor.mutable_grad().reset();
        by_hand.learn(r, judged, index, 0.02);
        by_autograd.learn(r, judged_too, index, 0.02);
        CHECK(apart(by_hand.policy, by_autograd.policy, itself) < 1e-9);
        CHECK(apart(by_hand.critic, by_autograd.critic, itself) < 1e-9);
    }
    auto const said = by_hand.judge(r.states), said_too = by_autograd.judge(r.states);
    int clipped = 0;
    for (std::size_t i = 0; i < r.size(); ++i) {
        CHECK(said[i].value == Approx(said_too[i].value).epsilon(1e-9).margin(1e-9));
        CHECK(said[i].logprobs[0] == Approx(said_too[i].logprobs[0]).epsilon(1e-9).margin(1e-9));
        clipped += std::abs(std::exp(said[i].logprobs[r.chosen[i]] - r.logprobs[i]) - 1.0) > 0.2 ? 1 : 0;
    }
    CHECK(clipped > 0);
}
