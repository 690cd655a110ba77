// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::as, support::difference, support::tolerance;

// The compositions of docs/paper_index.md, with groups of four.
namespace {

constexpr auto rloo_algorithm =
    algorithm{chain(kl_penalty<k1>{}, terminal_score{}), rloo{4}, reinforce{}, sequence_mean_token_sum{}};
constexpr auto grpo_algorithm =
    algorithm{terminal_score{}, grpo{4}, total(clipped_surrogate{}, kl_loss<k3>{}), sequence_mean_token_mean{}};
constexpr auto dr_grpo_algorithm =
    algorithm{terminal_score{}, dr_grpo{4}, clipped_surrogate{}, token_sum{.length = 12}};
constexpr auto dapo = algorithm{
    chain(drop_flat_groups{4}, overlong_penalty{.max_response_length = 12, .overlong_buffer = 4}, terminal_score{}),
    grpo{4}, clip_higher{}, over_mini_batch<token_mean>{}};
constexpr auto opo_algorithm = algorithm{terminal_score{}, opo{4}, reinforce{}};
constexpr auto reinforce_plus_plus_algorithm =
    algorithm{chain(kl_penalty<k1>{}, terminal_score{}), reinforce_plus_plus{}, clipped_surrogate{}};
constexpr auto cispo_algorithm = algorithm{terminal_score{}, grpo{4}, cispo{}, over_mini_batch<token_mean>{}};
constexpr auto sapo_algorithm = algorithm{terminal_score{}, grpo{4}, sapo{}, sequence_mean_token_mean{}};
constexpr auto vapo = algorithm{terminal_score{}, decoupled_gae<length_adaptive_lambda>{1.0, 1.0, {.alpha = 0.5}},
                                total(clip_higher{}, clipped_value{}, positive_lm{}), over_mini_batch<token_mean>{}};
constexpr auto gspo_algorithm =
    algorithm{terminal_score{}, grpo{4}, gspo{}, over_mini_batch<sequence_mean_token_mean>{}};
constexpr auto gmpo_algorithm =
    algorithm{terminal_score{}, grpo{4}, gmpo{}, over_mini_batch<sequence_mean_token_mean>{}};
constexpr auto remax_algorithm =
    algorithm{chain(kl_penalty<k1>{}, terminal_score{}), remax{}, reinforce{}, sequence_mean_token_sum{}};
constexpr auto gpg_algorithm = algorithm{terminal_score{}, gpg{4}, reinforce{}};
constexpr auto pass_at_k_algorithm = algorithm{terminal_score{}, pass_at_k{4}, clipped_surrogate{}};
constexpr auto impala = algorithm{terminal_score{}, v_trace{}, total(reinforce{}, squared_value{}, entropy_bonus{})};
constexpr auto adaptive_ppo = algorithm{chain(controlled_kl_penalty<k1>{}, terminal_score{}), chain(gae{}, whiten{}),
                                        total(clipped_surrogate{}, clipped_value{})};

/// Experience, loss and gradients by Eigen's pass over numbers and by the fused pass over tensors.
void check(auto const& algorithm) {
    auto const batch = support::random_batch(28, 12, 8);
    auto const exact = algorithm.evaluate(batch.rollout);
    auto const then = algorithm.evaluate(as<support::field>(batch.rollout));
    CHECK(difference(then.advantages, exact.advantages) < tolerance);
    CHECK(difference(then.returns, exact.returns) < tolerance);
    auto const expected = eigen::loss_and_gradient(algorithm, exact, batch.now);
    REQUIRE(std::isfinite(expected.loss));
    auto const now = as<support::field>(batch.now);
    now.logprobs.tensor.requires_grad_();
    auto const loss = libtorch::fused_loss(algorithm, then, now).loss;
    CHECK(difference(loss, support::array(expected.loss)) < tolerance);
    auto const slope = torch::autograd::grad({loss.tensor}, {now.logprobs.tensor})[0];
    CHECK(difference(support::field(slope), expected.gradient.logprobs) < tolerance);
}

}  // namespace

TEST_CASE("published algorithms: Eigen and the fused pass agree on experience, loss and gradient") {
    check(rloo_algorithm), check(grpo_algorithm), check(dr_grpo_algorithm), check(dapo), check(opo_algorithm);
    check(reinforce_plus_plus_algorithm), check(cispo_algorithm), check(sapo_algorithm), check(vapo);
    check(gspo_algorithm), check(gmpo_algorithm), check(remax_algorithm), check(gpg_algorithm),
        check(pass_at_k_algorithm);
    check(impala), check(adaptive_ppo);
}

TEST_CASE("published algorithms: which models each needs") {
    auto const models = []<class Algorithm>(Algorithm const&) {
        return (needs_critic<Algorithm> ? 1 : 0) + (needs_reference<Algorithm> ? 2 : 0) +
               (needs_entropy<Algorithm> ? 4 : 0);
    };
    STATIC_REQUIRE(models(rloo_algorithm) == 2);
    STATIC_REQUIRE(models(grpo_algorithm) == 2);
    STATIC_REQUIRE(models(dr_grpo_algorithm) == 0);
    STATIC_REQUIRE(models(dapo) == 0);
    STATIC_REQUIRE(models(opo_algorithm) == 0);
    STATIC_REQUIRE(models(reinforce_plus_plus_algorithm) == 2);
    STATIC_REQUIRE(models(cispo_algorithm) == 0);
    STATIC_REQUIRE(models(sapo_algorithm) == 0);
    STATIC_REQUIRE(models(vapo) == 1);
    STATIC_REQUIRE(models(gspo_algorithm) == 0);
    STATIC_REQUIRE(models(gmpo_algorithm) == 0);
    STATIC_REQUIRE(models(remax_algorithm) == 2);
    STATIC_REQUIRE(models(gpg_algorithm) == 0);
    STATIC_REQUIRE(models(pass_at_k_algorithm) == 0);
    STATIC_REQUIRE(models(impala) == 5);
    STATIC_REQUIRE(models(adaptive_ppo) == 3);
}
