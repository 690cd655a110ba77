// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/proximal.hpp>

#include "../support/backends.hpp"

using namespace proximal;
using libtorch::field;

namespace {

/// A group whose responses all earn the same, of lengths that differ: [k, 4] in float32, as the trainer has it.
rollout<field> equal_group(std::int64_t k, double reward) {
    auto const steps = at::arange(4).unsqueeze(0);
    auto const lengths = at::arange(k).remainder(4).unsqueeze(1);
    at::Tensor const mask = steps.le(lengths).to(at::kFloat);
    rollout<field> group{.mask = mask, .value_mask = mask, .scores = at::full({k}, reward, at::kFloat)};
    group.rewards = at::zeros({k, 4}, at::kFloat);
    group.baseline_scores = group.scores;
    return terminal_score{}(group);
}
void check_nothing_is_learnt(char const* name, auto const& estimator, int k) {
    for (double const reward : {10000.1, 1000.1, 100.1, 0.2, -3.7, 1e-6}) {
        INFO(name << ", group of " << k << ", reward " << reward);
        at::Tensor const advantages = estimator(equal_group(2 * k, reward)).advantages.tensor;
        CHECK(advantages.abs().max().template item<double>() == 0.0);
    }
}

}  // namespace

TEST_CASE("equal rewards: every estimator that compares a group gives exactly 0, in float32 and for every size") {
    for (int const k : {2, 3, 5, 6, 7, 11}) {
        check_nothing_is_learnt("grpo", grpo{k}, k);
        check_nothing_is_learnt("dr_grpo", dr_grpo{k}, k);
        check_nothing_is_learnt("rloo", rloo{k}, k);
        check_nothing_is_learnt("gpg", gpg{k}, k);
        check_nothing_is_learnt("opo", opo{k}, k);
        check_nothing_is_learnt("pass_at_k", pass_at_k{k}, k);
        check_nothing_is_learnt("remax", remax{}, k);
        check_nothing_is_learnt("reinforce_plus_plus_baseline", reinforce_plus_plus_baseline{dr_grpo{k}, whiten{}}, k);
        check_nothing_is_learnt("weighted total of groups", chain(dr_grpo{k}, whiten{}), k);
    }
}

TEST_CASE("equal rewards: in double on the reference too") {
    rollout<eigen::array> group;
    group.mask = group.value_mask = eigen::array(6, 3) * 0.0 + 1.0;
    group.rewards = 0.0 * group.mask + 0.1;
    group.scores = row_sum(group.rewards);
    for (auto const& judged : {grpo{3}(group), grpo{6}(group)}) CHECK(judged.advantages.cells.abs().maxCoeff() == 0.0);
    CHECK(rloo{6}(group).advantages.cells.abs().maxCoeff() == 0.0);
    CHECK(opo{3}(group).advantages.cells.abs().maxCoeff() == 0.0);
}
