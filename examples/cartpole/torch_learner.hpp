// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/rows.hpp>
#include <string>
#include <vector>

#include "algorithm.hpp"
#include "network.hpp"
#include "recording.hpp"

namespace cartpole {

/// A policy and a critic on LibTorch: the algorithm's loss is one fused pass, autograd does the rest.
class torch_learner {
   public:
    using field = proximal::libtorch::field;
    using parameters = std::vector<proximal::lm::named_tensor>;  // weight and bias of each layer in turn

    /// Both networks from one seed: the numbers that eigen_learner starts from.
    torch_learner(std::size_t width, std::uint64_t seed, at::ScalarType dtype = at::kFloat)
        : torch_learner(width, random_stream(seed, purpose::network), dtype) {}

    std::vector<opinion> judge(std::vector<state> const& states) const {
        at::NoGradGuard const no_gradient;
        auto const x = observations(states);
        auto const logprobs = at::log_softmax(forward(policy, x), -1).to(at::kDouble);
        auto const values = forward(critic, x).to(at::kDouble);
        auto const* const p = logprobs.const_data_ptr<double>();
        auto const* const v = values.const_data_ptr<double>();
        std::vector<opinion> said(states.size());
        for (std::size_t i = 0; i < states.size(); ++i) {
            for (std::size_t a = 0; a < actions; ++a) said[i].logprobs[a] = p[i * actions + a];
            said[i].value = v[i];
        }
        return said;
    }

    /// Judges a recording, then lets every step stand alone, [N, 1]: a loss is a function of one step.
    proximal::experience<field> evaluate(recording const& r) const {
        auto const B = static_cast<int64_t>(r.rows), T = static_cast<int64_t>(r.columns);
        auto const array_of = [&](std::vector<double> const& x) {
            return field(at::tensor(x, at::kDouble).to(dtype_).view({B, T}));
        };
        auto const cells = indices(r.cells);
        auto const judged = ppo.evaluate(as_rollout(r, array_of));
        return proximal::each_array(
            judged, [&](field const& x) { return field(x.tensor.flatten().index_select(0, cells).unsqueeze(1)); });
    }

    // [loss]
    /// The loss of the steps `index` names, [], with autograd's road to every parameter of the policy and the critic.
    at::Tensor loss(recording const& r, proximal::experience<field> const& judged,
                    std::vector<std::size_t> const& index) const {
        std::vector<state> states;
        std::vector<std::size_t> chosen;
        for (auto const i : index) states.push_back(r.states[i]), chosen.push_back(r.chosen[i]);
        auto const x = observations(states);
        auto const logprobs = at::log_softmax(forward(policy, x), -1);  // [N, actions]
        proximal::prediction<field> const now{.logprobs = logprobs.gather(1, indices(chosen).unsqueeze(1)),
                                              .values = forward(critic, x),
                                              .entropies = -(logprobs.exp() * logprobs).sum(1, true)};
        return proximal::libtorch::fused_loss(ppo, proximal::rows(judged, indices(index)), now).loss.tensor;
    }
    // [/loss]

    /// One descent step.
    void learn(recording const& r, proximal::experience<field> const& judged, std::vector<std::size_t> const& index,
               double learning_rate) {
        loss(r, judged, index).backward();
        optimizer_.step(learning_rate);
        optimizer_.zero_grad();
    }

    parameters policy, critic;

   private:
    torch_learner(std::size_t width, random_stream random, at::ScalarType dtype)
        : policy(make_parameters(initial_network(width, actions, 0.01, random), dtype)),
          critic(make_parameters(initial_network(width, 1, 1.0, random), dtype)),
          dtype_(dtype),
          optimizer_(all(), {.epsilon = adam_epsilon}) {}

    static parameters make_parameters(std::vector<initial_layer> const& layers, at::ScalarType dtype) {
        parameters made;
        for (auto const& l : layers) {
            auto const outputs = static_cast<int64_t>(l.outputs), inputs = static_cast<int64_t>(l.inputs);
            auto const name = std::to_string(made.size() / 2);
            made.push_back({name + ".weight", proximal::lm::parameter_kind::matrix,
                            at::tensor(l.weight, at::kDouble).to(dtype).view({outputs, inputs})});
            made.push_back({name + ".bias", proximal::lm::parameter_kind::bias, at::zeros({outputs}, dtype)});
        }
        for (auto const& parameter : made) parameter.tensor.set_requires_grad(true);
        return made;
    }
    parameters all() const {
        parameters both = policy;
        both.insert(both.end(), critic.begin(), critic.end());
        return both;
    }

    static at::Tensor forward(parameters const& net, at::Tensor x) {
        for (std::size_t i = 0; i < net.size(); i += 2) {
            x = at::linear(x, net[i].tensor, net[i + 1].tensor);
            if (i + 2 < net.size()) x = x.tanh();
        }
        return x;
    }
    at::Tensor observations(std::vector<state> const& states) const {
        std::vector<double> flat;
        for (auto const& s : states)
            for (double const x : numbers(s)) flat.push_back(x);
        return at::tensor(flat, at::kDouble).to(dtype_).view({-1, static_cast<int64_t>(observed)});
    }
    static at::Tensor indices(std::vector<std::size_t> const& index) {
        return at::tensor(std::vector<int64_t>(index.begin(), index.end()), at::kLong);
    }

    at::ScalarType dtype_;
    proximal::lm::adamw optimizer_;
};

}  // namespace cartpole
