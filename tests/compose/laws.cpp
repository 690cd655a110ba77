// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"
#include "../support/edge_batches.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <catch2/catch.hpp>
#include <proximal/libtorch/fused_loss.hpp>

// Every stock part at every edge: the backends agree on each array, and the laws of concepts.hpp hold.

using namespace proximal;
using libtorch::field;
using support::array, support::as, support::difference, support::edge_batch, support::NaN, support::tolerance;

namespace {

double const infinite = std::numeric_limits<double>::infinity();

bool same(auto const& got, auto const& expected) { return difference(got, expected) < tolerance; }

/// Outside the mask nothing, not even −0 · ∞.
bool nothing_outside(array const& mask, auto const& x) {
    return difference(select(mask, 0.0, support::read(x)), 0.0 * mask) == 0.0;
}

/// What a rollout holds after its shaping: scores, and rewards where they count. NaN · 0 is no way to leave them out.
std::pair<array, array> counted(edge_batch const& batch, rollout<array> const& x) {
    return {x.scores, select(batch.then.value_mask, x.rewards, 0.0)};
}

void check_shaper(char const* name, auto const& shaper, Eigen::Index group = 1) {
    for (auto const& batch : support::edge_batches()) {
        if (batch.then.mask.cells.rows() % group != 0) continue;
        INFO(name << " at: " << batch.name);
        auto const exact = shaper(batch.rollout());
        auto const got = shaper(as<field>(batch.rollout()));
        CHECK(same(got.rewards, exact.rewards));
        CHECK(same(got.scores.tensor.unsqueeze(-1), exact.scores));
        for (double const padding : {7.0, NaN, infinite}) {
            auto const other = padded(batch, padding);
            auto const expected = counted(batch, exact), after = counted(batch, shaper(other.rollout()));
            CHECK(same(after.first, expected.first));
            CHECK(same(after.second, expected.second));
        }
    }
}

bool same_judgement(auto const& got, auto const& exact) {
    return same(got.advantages, exact.advantages) && same(got.returns, exact.returns) &&
           same(got.rewards, exact.rewards);
}

double largest(array const& x) {
    double most = 1.0;
    for (double const cell : x.cells.reshaped())
        if (std::isfinite(cell)) most = std::max(most, std::abs(cell));
    return most;
}
/// Equal to rounding of numbers of that size: the scan in rounds adds in another order, and large numbers may cancel.
bool same_up_to(double size, auto const& got, array const& exact) {
    return same(support::read(got) * (1.0 / size), exact * (1.0 / size));
}

void check_estimator(char const* name, auto const& estimator, Eigen::Index group = 1) {
    for (auto const& batch : support::edge_batches()) {
        if (batch.then.mask.cells.rows() % group != 0) continue;
        INFO(name << " at: " << batch.name);
        auto const exact = estimator(batch.rollout());
        CHECK(same_judgement(estimator(as<field>(batch.rollout())), exact));
        auto learning = as<field>(batch.rollout());  // not by rows: the scan in rounds
        learning.values.tensor.requires_grad_();
        CHECK(same_up_to(largest(batch.then.values), estimator(learning).advantages, exact.advantages));
        CHECK(nothing_outside(batch.then.value_mask, exact.advantages));
        for (double const padding : {7.0, NaN, infinite}) {
            auto const other = estimator(padded(batch, padding).rollout());
            CHECK(same(other.advantages, exact.advantages));
            CHECK(same(other.returns, exact.returns));
        }
    }
}

void check_refinement(char const* name, auto const& refine, Eigen::Index group = 1) {
    for (auto const& batch : support::edge_batches()) {
        if (batch.then.mask.cells.rows() % group != 0) continue;
        INFO(name << " at: " << batch.name);
        auto const exact = refine(batch.then);
        CHECK(same_judgement(refine(as<field>(batch.then)), exact));
        CHECK(same(exact.returns, batch.then.returns));
        CHECK(nothing_outside(batch.then.mask, exact.advantages));
        for (double const padding : {7.0, NaN, infinite})
            CHECK(same(refine(padded(batch, padding).then).advantages, exact.advantages));
    }
}

struct outcome {
    array loss;
    std::vector<array> metrics, gradients;
};
outcome outcome_of(auto const& measured) {
    outcome result{support::read(measured.loss), {}, {}};
    boost::hana::for_each(measured.metrics, [&](auto const& x) { result.metrics.push_back(support::read(x.value)); });
    return result;
}
/// A loss on tensors, with its gradients by autograd.
outcome learnt(auto const& measure, prediction<array> const& at) {
    auto now = as<field>(at);
    std::vector<at::Tensor> leaves;
    for (field* x : {&now.logprobs, &now.values, &now.entropies}) leaves.push_back(x->tensor.requires_grad_());
    auto const measured = measure(now);
    auto result = outcome_of(measured);
    auto const slopes = torch::autograd::grad({measured.loss.tensor}, leaves, {}, {}, false, true);
    for (std::size_t i = 0; i < 3; ++i)
        result.gradients.push_back(support::read(field(slopes[i].defined() ? slopes[i] : at::zeros_like(leaves[i]))));
    return result;
}
outcome by_dual(auto const& algorithm, experience<array> const& then, prediction<array> const& now) {
    auto result = outcome_of(algorithm.measure(then, now));
    auto const exact = eigen::loss_and_gradient(algorithm, then, now);
    CHECK(same(array(exact.loss), result.loss));
    result.gradients = {exact.gradient.logprobs, exact.gradient.values, exact.gradient.entropies};
    return result;
}
/// Gradients agree; where a number overflowed neither is finite, but one may say NaN where the other says ∞. Where
/// clamp's bounds are not finite, ATen's gradient stays finite: `unbounded`.
bool same_slopes(array const& got, array const& expected, bool unbounded = false) {
    if (got.cells.rows() != expected.cells.rows() || got.cells.cols() != expected.cells.cols()) return false;
    for (Eigen::Index i = 0; i < got.cells.size(); ++i) {
        double const x = got.cells.data()[i], y = expected.cells.data()[i];
        if (unbounded && !std::isfinite(y)) continue;
        if (std::isfinite(x) != std::isfinite(y)) return false;
        if (std::isfinite(x) && !(std::abs(x - y) <= tolerance * (1.0 + std::abs(y)))) return false;
    }
    return true;
}
bool lacks_bounds(experience<array> const& then) {
    return !std::isfinite(sum(select(then.value_mask, then.values - then.values, 0.0))(0, 0));
}
void check_same(outcome const& got, outcome const& expected, bool unbounded = false) {
    CHECK(same(got.loss, expected.loss));
    REQUIRE(got.metrics.size() == expected.metrics.size());
    for (std::size_t i = 0; i < got.metrics.size(); ++i) CHECK(same(got.metrics[i], expected.metrics[i]));
    for (std::size_t i = 0; i < 3; ++i) {
        INFO("got\n" << got.gradients[i].cells << "\nexpected\n" << expected.gradients[i].cells);
        CHECK(same_slopes(got.gradients[i], expected.gradients[i], unbounded));
    }
}

/// `clamps_shares`: the term clamps what it averages, so autograd stops at a clamped token's 0 where the mean is not
/// finite, and the chain rule says 0 · ∞ = NaN.
void check_loss(char const* name, auto const& formula, bool clamps_shares = false) {
    auto const algorithm = proximal::algorithm{terminal_score{}, gae{}, formula};
    for (auto const& batch : support::edge_batches()) {
        auto const exact = by_dual(algorithm, batch.then, batch.now);
        auto const then = as<field>(batch.then);
        auto const composite = learnt([&](auto const& now) { return algorithm.measure(then, now); }, batch.now);
        auto const fused =
            learnt([&](auto const& now) { return libtorch::fused_loss(algorithm, then, now); }, batch.now);
        {
            INFO(name << ", autograd, at: " << batch.name);
            check_same(composite, exact, clamps_shares || lacks_bounds(batch.then));
        }
        {
            INFO(name << ", fused, at: " << batch.name);
            check_same(fused, exact);
        }
        INFO(name << " at: " << batch.name);
        for (auto const* x : {&exact, &composite, &fused}) {
            CHECK(nothing_outside(batch.then.mask, x->gradients[0]));
            CHECK(nothing_outside(batch.then.value_mask, x->gradients[1]));
            CHECK(nothing_outside(batch.then.mask, x->gradients[2]));
        }
        for (double const padding : {7.0, NaN, infinite}) {
            auto const other = padded(batch, padding);
            check_same(by_dual(algorithm, other.then, other.now), exact);
        }
    }
}

struct policy_over_values {  // reads the policy one step past the response, where it reads as 0 and cannot learn
    static constexpr auto over = domain::values;
    constexpr auto operator()(Token auto const& token) const { return (token.logprob - 1.0) * token.value; }
};

auto const shaper = chain(missing_eos_penalty{1.0}, kl_penalty<k1>{.kl_coef = 0.05}, terminal_score{});
auto const ppo_of_laws = algorithm{shaper, chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};

}  // namespace

TEST_CASE("laws: every reward shaper at every edge") {
    check_shaper("missing_eos_penalty", missing_eos_penalty{0.7});
    check_shaper("kl_penalty<k1>", kl_penalty<k1>{.kl_coef = 0.3});
    check_shaper("kl_penalty<k3>", kl_penalty<k3>{.kl_coef = 0.3});
    check_shaper("terminal_score", terminal_score{});
    check_shaper("terminal_score_at_eos", terminal_score_at_eos{});
    check_shaper("whiten_rewards", whiten_rewards{});
    check_shaper("missing_eos_score", missing_eos_score{});
    check_shaper("missing_eos_scale", missing_eos_scale{.scale = 0.5});
    check_shaper("score_clip", score_clip{.bound = 0.5});
    check_shaper("length_penalty", length_penalty{.per_token = 0.1});
    check_shaper("minimum_length", minimum_length{.min_response_length = 3.0});
    check_shaper("overlong_penalty", overlong_penalty{.max_response_length = 4.0, .overlong_buffer = 2.0});
    check_shaper("unshaped", unshaped{});
    check_shaper("kl_penalty<k2>", kl_penalty<k2>{.kl_coef = 0.3});
    check_shaper("kl_penalty<absolute>", kl_penalty<absolute>{.kl_coef = 0.3});
    check_shaper("kl_penalty<straight_through>", kl_penalty<straight_through<k3>>{.kl_coef = 0.3});
    check_shaper("controlled_kl_penalty", controlled_kl_penalty<k2>{{.kl_coef = 0.3}});
    check_shaper("running_normalisation", running_normalisation{{.count = 4.0, .mean = 0.3, .squares = 6.0}});
    check_shaper("running_scaling", running_scaling{{.count = 4.0, .mean = 0.3, .squares = 6.0}});
    check_shaper("standardise_rewards", standardise_rewards<of_batch, zero_mean, biased>{});
    check_shaper("standardise_rewards, of_group", standardise_rewards<of_group>{{2}}, 2);
    check_shaper("drop_flat_groups", chain(drop_flat_groups{2}, terminal_score{}), 2);
    check_shaper("chain", shaper);
    check_shaper("chain with whitening", chain(shaper, whiten_rewards{}));
    check_shaper("optionally, on",
                 chain(optionally(missing_eos_penalty{0.7}, true), optionally(whiten_rewards{}, true)));
    check_shaper("optionally, off",
                 chain(optionally(missing_eos_penalty{0.7}, false), optionally(whiten_rewards{}, false)));
}

TEST_CASE("laws: every advantage estimator at every edge") {
    check_estimator("gae", gae{.gamma = 0.99, .lam = 0.95});
    check_estimator("gae, TRL's", gae{});
    check_estimator("gae, λ = 0", gae{.gamma = 0.9, .lam = 0.0});
    check_estimator("gae, λ = 1", gae{.gamma = 0.9, .lam = 1.0});
    check_estimator("gae, γ = 0", gae{.gamma = 0.0, .lam = 0.95});
    check_estimator("discounted_returns", discounted_returns{.gamma = 0.9});
    check_estimator("lambda_returns", lambda_returns{.gamma = 0.9, .lam = 0.8});
    check_estimator("n_step", n_step{.gamma = 0.9, .steps = 2});
    check_estimator("decoupled_gae", decoupled_gae<>{.gamma = 0.9, .critic_lam = 0.8});
    check_estimator("masked_gae", masked_gae{.gamma = 0.9, .lam = 0.8});
    check_estimator("decoupled_gae, length adaptive", decoupled_gae<length_adaptive_lambda>{0.9, 0.8, {.alpha = 0.4}});
    check_estimator("v_trace", v_trace{.gamma = 0.9, .lam = 0.8, .clip_rho = 0.9, .clip_pg_rho = 1.1});
    check_estimator("leaky_v_trace", leaky_v_trace{.alpha = 1.0, .part = {.gamma = 0.9, .lam = 0.8}});
    check_estimator("retrace", retrace{.gamma = 0.9, .lam = 0.8});
    check_estimator("remax", remax{.gamma = 0.9});
    check_estimator("reinforce_plus_plus", reinforce_plus_plus{});
    check_estimator("rloo", rloo{2}, 2);
    check_estimator("grpo", grpo{2}, 2);
    check_estimator("dr_grpo", dr_grpo{2}, 2);
    check_estimator("opo", opo{2}, 2);
    check_estimator("pass_at_k", pass_at_k{2}, 2);
    check_estimator("pass_at_k, k = 4", pass_at_k{4}, 4);
    check_estimator("gpg", gpg{2}, 2);
    check_estimator("reinforce_plus_plus_baseline", reinforce_plus_plus_baseline{dr_grpo{2}, whiten{}}, 2);
    check_estimator("gae, whitened", chain(gae{.gamma = 0.99, .lam = 0.95}, whiten{}));
}

TEST_CASE("laws: every refinement at every edge") {
    check_refinement("whiten", whiten{});
    check_refinement("standardise", standardise<of_batch, kept_mean, biased>{});
    check_refinement("standardise, of_group", standardise<of_group, zero_mean, biased>{{2}}, 2);
    check_refinement("truncated_importance", truncated_importance{.cap = 1.1});
    check_refinement("masked_importance", masked_importance{.low = 0.7, .high = 1.4});
    check_refinement("sequence_masked_importance", sequence_masked_importance{.low = 0.8, .high = 1.2});
    check_refinement("optionally, off then on", chain(optionally(whiten{}, false), optionally(whiten{}, true)));
}

TEST_CASE("laws: every loss at every edge: duals, autograd and the fused pass agree, padding is nothing") {
    check_loss("clipped_surrogate", clipped_surrogate{.cliprange = 0.2});
    check_loss("clipped_value", clipped_value{.vf_coef = 0.1, .cliprange_value = 0.2});
    check_loss("weighted", weighted(-0.5, clipped_surrogate{}));
    check_loss("kl_loss<k1>", kl_loss<k1>{});
    check_loss("kl_loss<k2>", kl_loss<k2>{});
    check_loss("kl_loss<k3>", kl_loss<k3>{});
    check_loss("kl_loss<absolute>", kl_loss<absolute>{});
    check_loss("kl_loss<straight_through<k3>>", kl_loss<straight_through<k3>>{});
    check_loss("reinforce", reinforce{});
    check_loss("clip_higher", clip_higher{});
    check_loss("dual_clip", dual_clip{});
    check_loss("two_sided_clip", two_sided_clip{});
    check_loss("cispo", cispo{});
    check_loss("sapo", sapo{});
    check_loss("entropy_bonus", entropy_bonus{});
    check_loss("squared_value", squared_value{});
    check_loss("huber_value", huber_value{});
    check_loss("positive_lm", positive_lm{});
    check_loss("gspo", gspo{.cliprange_low = 0.1, .cliprange_high = 0.2});
    check_loss("gmpo", gmpo{.cliprange_low = 0.1, .cliprange_high = 0.2}, true);
    check_loss("total, with a term over whole responses", total(entropy_bonus{}, gspo{}, positive_lm{}));
    check_loss("total, stock", total(clipped_surrogate{}, clipped_value{}));
    check_loss("total, four terms",
               total(weighted(2.0, clipped_value{}), clipped_surrogate{}, entropy_bonus{}, kl_loss<k3>{}));
    check_loss("a policy's term over the critic's tokens", total(policy_over_values{}, clipped_value{}));
}

TEST_CASE("laws: a ratio exactly on a clip bound still learns, in every implementation by its own exp") {
    for (double const log_ratio : {0.1, -0.1, 0.25, -0.25})
        for (double const advantage : {1.0, -1.0}) {
            auto batch = support::batch_of("", {4, 4}, 4);
            batch.then.logprobs = array(0.0 * batch.then.mask);
            batch.now.logprobs = batch.then.logprobs + log_ratio;
            batch.then.advantages = batch.then.logprobs + advantage;
            auto const then = as<field>(batch.then);
            auto const on_bound = [&](double ratio) {
                return algorithm{terminal_score{}, gae{}, clipped_surrogate{.cliprange = std::abs(ratio - 1.0)}};
            };
            double const by_aten =
                (as<field>(batch.now).logprobs.tensor - then.logprobs.tensor).exp()[0][0].item<double>();
            double const by_pack = exp(pack<double>(log_ratio)).lanes[0];
            auto const exact = by_dual(on_bound(std::exp(log_ratio)), batch.then, batch.now);
            auto const composite =
                learnt([&](auto const& now) { return on_bound(by_aten).measure(then, now); }, batch.now);
            auto const fused =
                learnt([&](auto const& now) { return libtorch::fused_loss(on_bound(by_pack), then, now); }, batch.now);
            INFO("log ratio " << log_ratio << ", advantage " << advantage);
            CHECK(exact.gradients[0](0, 0) == Approx(-advantage * std::exp(log_ratio) / 8.0).epsilon(tolerance));
            CHECK(exact.metrics[1](0, 0) == 0.0);  // on the bound the clipped branch does not rule
            check_same(composite, exact);
            check_same(fused, exact);
        }
}

TEST_CASE("laws: token_mean: the weights are the mask's share, and sum to 1") {
    for (auto const& batch : support::edge_batches())
        for (auto const* mask : {&batch.then.mask, &batch.then.value_mask}) {
            INFO(batch.name);
            auto const weights = token_mean{}(*mask);
            CHECK(same(token_mean{}(support::from<field>(*mask)), weights));
            double const count = mask->cells.sum();
            CHECK(same(sum(weights), array(count > 0.0 ? 1.0 : 0.0)));
            if (count > 0.0) CHECK(same(weights, select(*mask, 1.0 / count, 0.0)));
        }
}

TEST_CASE("laws: the stock algorithm at every edge, from the rollout to the gradients") {
    for (auto const& batch : support::edge_batches()) {
        INFO(batch.name);
        auto const exact = ppo_of_laws.evaluate(batch.rollout());
        auto const judged = ppo_of_laws.evaluate(as<field>(batch.rollout()));
        CHECK(same_judgement(judged, exact));
        auto const expected = by_dual(ppo_of_laws, exact, batch.now);
        check_same(learnt([&](auto const& now) { return ppo_of_laws.measure(judged, now); }, batch.now), expected,
                   lacks_bounds(batch.then));
        check_same(learnt([&](auto const& now) { return libtorch::fused_loss(ppo_of_laws, judged, now); }, batch.now),
                   expected);
    }
}

TEST_CASE("laws: the score is paid on one step: what it is stays off every other, NaN and ∞ too") {
    for (double const score : {2.0, NaN, infinite, -infinite}) {
        auto batch = support::batch_of("", {0, 2, 5}, 5);
        batch.then.scores = array(0.0 * batch.then.scores) + score;
        auto const check = [&](auto const& part, std::vector<int> const& steps) {
            auto const after = part(batch.rollout()).rewards;
            for (int b = 0; b < 3; ++b)
                for (int t = 0; t < 5; ++t) {
                    INFO("score " << score << ", row " << b << ", step " << t);
                    double const before = batch.then.rewards(b, t);
                    CHECK(same(array(after(b, t)), array(t == steps[b] ? before + score : before)));
                }
        };
        check(terminal_score{}, {0, 2, 4});
        check(terminal_score_at_eos{}, {-1, 1, 4});
    }
}

TEST_CASE("laws: shaping is linear in the score, advantages are affine in the rewards") {
    auto const batch = support::batch_of("", {0, 2, 5, 4}, 5).rollout();
    auto const other = 0.5 * batch.values + 0.25;
    auto const advantages = [&](array const& rewards) {
        auto changed = batch;
        changed.rewards = rewards;
        return gae{.gamma = 0.9, .lam = 0.8}(changed).advantages;
    };
    CHECK(same(advantages(batch.rewards + 3.0 * other) - advantages(batch.rewards),
               3.0 * (advantages(batch.rewards + other) - advantages(batch.rewards))));
    auto const rewards = [&](array const& scores) {
        auto changed = batch;
        changed.scores = scores;
        return shaper(changed).rewards;
    };
    CHECK(same(rewards(3.0 * batch.scores) - rewards(0.0 * batch.scores),
               3.0 * (rewards(batch.scores) - rewards(0.0 * batch.scores))));
}

TEST_CASE("laws: chain, total, weighted and optionally add nothing of their own") {
    for (auto const& batch : support::edge_batches()) {
        INFO(batch.name);
        auto const rollout = batch.rollout();
        CHECK(same(chain(terminal_score{})(rollout).rewards, terminal_score{}(rollout).rewards));
        CHECK(same(shaper(rollout).rewards,
                   terminal_score{}(kl_penalty<k1>{.kl_coef = 0.05}(missing_eos_penalty{1.0}(rollout))).rewards));
        CHECK(same(optionally(whiten_rewards{}, false)(rollout).rewards, rollout.rewards));
        auto const of = [&](auto const& formula) {
            auto const alone = algorithm{terminal_score{}, gae{}, formula, token_mean{}};
            return by_dual(alone, batch.then, batch.now);
        };
        auto const policy = of(clipped_surrogate{}), critic = of(clipped_value{});
        check_same(of(total(clipped_surrogate{})), policy);
        check_same(of(weighted(1.0, clipped_surrogate{})), policy);
        auto const both = of(total(clipped_surrogate{}, clipped_value{}));
        CHECK(same(both.loss, policy.loss + critic.loss));
        CHECK(same_slopes(both.gradients[0], policy.gradients[0]));
        CHECK(same_slopes(both.gradients[1], critic.gradients[1]));
        CHECK(same(of(weighted(-3.0, clipped_value{})).loss, -3.0 * critic.loss));
    }
}
