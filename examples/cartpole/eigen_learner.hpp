// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/eigen.hpp>
#include <vector>

#include "algorithm.hpp"
#include "eigen_adam.hpp"
#include "eigen_mlp.hpp"
#include "recording.hpp"

namespace cartpole {

/// log π(·|s) from logits [N, actions].
inline matrix log_softmax(matrix const& logits) {
    Eigen::VectorXd const largest = logits.rowwise().maxCoeff();
    matrix const shifted = logits.colwise() - largest;
    Eigen::VectorXd const log_sum = shifted.array().exp().rowwise().sum().log();
    return shifted.colwise() - log_sum;
}

/// A policy and a critic on Eigen alone. The algorithm gives the loss's slopes by what the two say of a step; from
/// there on the chain rule is written by hand.
class eigen_learner {
   public:
    using array = proximal::eigen::array;

    /// Both networks from one seed.
    eigen_learner(std::size_t width, std::uint64_t seed)
        : eigen_learner(width, random_stream(seed, purpose::network)) {}

    std::vector<opinion> judge(std::vector<state> const& states) const {
        matrix const x = observations(states);
        matrix const logprobs = log_softmax(forward(policy, x).back()), values = forward(critic, x).back();
        std::vector<opinion> opinions(states.size());
        for (Eigen::Index i = 0; i < x.rows(); ++i) {
            auto& one = opinions[static_cast<std::size_t>(i)];
            for (std::size_t a = 0; a < actions; ++a) one.logprobs[a] = logprobs(i, static_cast<Eigen::Index>(a));
            one.value = values(i, 0);
        }
        return opinions;
    }

    /// Judges a recording, then lets every step stand alone, [N, 1]: a loss is a function of one step.
    proximal::experience<array> evaluate(recording const& r) const {
        auto const B = static_cast<Eigen::Index>(r.rows), T = static_cast<Eigen::Index>(r.columns);
        using grid = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        auto const array_of = [&](std::vector<double> const& x) {
            return array(Eigen::Map<grid const>(x.data(), B, T));
        };
        auto const judged = ppo.evaluate(as_rollout(r, array_of));
        return proximal::each_array(judged, [&](array const& x) {
            array alone(static_cast<Eigen::Index>(r.size()), 1);
            for (std::size_t i = 0; i < r.size(); ++i)
                alone(static_cast<Eigen::Index>(i), 0) = x.cells.data()[r.cells[i]];
            return alone;
        });
    }

    struct slopes {
        double loss = 0.0;
        mlp policy, critic;
    };

    // [gradient]
    /// The loss of the steps `index` names, and its gradient by every parameter of the policy and the critic.
    slopes gradient(recording const& r, proximal::experience<array> const& judged,
                    std::vector<std::size_t> const& index) const {
        std::vector<state> states;
        for (auto const i : index) states.push_back(r.states[i]);
        matrix const x = observations(states);
        auto const in_policy = forward(policy, x), in_critic = forward(critic, x);
        matrix const logprobs = log_softmax(in_policy.back()), probabilities = logprobs.array().exp();

        auto const N = x.rows();
        proximal::prediction<array> now{.logprobs = array(N, 1), .values = in_critic.back(), .entropies = array(N, 1)};
        now.entropies.cells = -(probabilities.array() * logprobs.array()).rowwise().sum();
        for (Eigen::Index i = 0; i < N; ++i) now.logprobs(i, 0) = logprobs(i, chosen(r, index, i));

        auto const [loss, slope] = proximal::eigen::loss_and_gradient(ppo, proximal::rows(judged, index), now);

        matrix by_logits(N, probabilities.cols());
        // ∂log π(a)/∂logit_j = [a = j] − p_j,   ∂H/∂logit_j = −p_j (log p_j + H)
        for (Eigen::Index i = 0; i < N; ++i) {
            by_logits.row(i) =
                -slope.logprobs(i, 0) * probabilities.row(i).array() -
                slope.entropies(i, 0) * probabilities.row(i).array() * (logprobs.row(i).array() + now.entropies(i, 0));
            by_logits(i, chosen(r, index, i)) += slope.logprobs(i, 0);
        }
        return {loss, backward(policy, in_policy, by_logits), backward(critic, in_critic, slope.values.cells)};
    }
    // [/gradient]

    /// One descent step.
    void learn(recording const& r, proximal::experience<array> const& judged, std::vector<std::size_t> const& index,
               double learning_rate) {
        auto const found = gradient(r, judged, index);
        policy_descent_.step(policy, found.policy, learning_rate);
        critic_descent_.step(critic, found.critic, learning_rate);
    }

    mlp policy, critic;

   private:
    eigen_learner(std::size_t width, random_stream random)
        : policy(make_mlp(initial_network(width, actions, 0.01, random))),
          critic(make_mlp(initial_network(width, 1, 1.0, random))),
          policy_descent_(policy),
          critic_descent_(critic) {}

    static Eigen::Index chosen(recording const& r, std::vector<std::size_t> const& index, Eigen::Index i) {
        return static_cast<Eigen::Index>(r.chosen[index[static_cast<std::size_t>(i)]]);
    }

    adam policy_descent_, critic_descent_;
};

}  // namespace cartpole
