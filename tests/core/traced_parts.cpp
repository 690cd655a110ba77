// SPDX-License-Identifier: Apache-2.0
#include "../support/compiled_text.hpp"
#include "../support/edge_batches.hpp"
#include "../support/traced_array.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

// Every stock part, run whole on arrays of traces, written down as C, compiled, and compared with the Eigen reference.

using namespace proximal;
using eigen::array;
using support::compiled_text, support::edge_batch, support::traced_array;

namespace {

template <class Array>
std::vector<Array*> arrays_of(experience<Array>& x) {
    std::vector<Array*> arrays;
    judged_fields.for_each([&](auto field) {
        if (!is_weight(field.counts)) arrays.push_back(&field.of(x));
    });
    return arrays;
}

/// Calls f(name, part) for every part that takes a batch of so many rows, each as a function from an experience to the
/// arrays it gives.
void each_part(Eigen::Index rows, auto const& f) {
    auto const shaper = [&](std::string const& name, auto const& part) {
        f(name, [part]<class A>(experience<A> const& x) {
            rollout<A> const& recorded = x;
            auto const shaped = part(recorded);
            return std::vector<A>{shaped.rewards, shaped.scores, shaped.mask, shaped.value_mask};
        });
    };
    auto const estimator = [&](std::string const& name, auto const& part) {
        f(name, [part]<class A>(experience<A> const& x) {
            rollout<A> const& recorded = x;
            auto const judged = part(recorded);
            return std::vector<A>{judged.advantages, judged.returns};
        });
    };
    auto const refinement = [&](std::string const& name, auto const& part) {
        f(name, [part]<class A>(experience<A> const& x) {
            return std::vector<A>{part(x).advantages, part(x).returns};
        });
    };
    auto const aggregation = [&](std::string const& name, auto const& part) {
        f(name, [part]<class A>(experience<A> const& x) { return std::vector<A>{part(x.mask), part(x.value_mask)}; });
    };
    shaper("missing_eos_penalty", missing_eos_penalty{0.7});
    shaper("missing_eos_score", missing_eos_score{});
    shaper("missing_eos_scale", missing_eos_scale{.scale = 0.5});
    shaper("score_clip", score_clip{.bound = 0.5});
    shaper("length_penalty", length_penalty{.per_token = 0.1});
    shaper("minimum_length", minimum_length{.min_response_length = 3.0});
    shaper("overlong_penalty", overlong_penalty{.max_response_length = 4.0, .overlong_buffer = 2.0});
    shaper("unshaped", unshaped{});
    shaper("running_normalisation", running_normalisation{{.count = 4.0, .mean = 0.3, .squares = 6.0}});
    shaper("running_scaling", running_scaling{{.count = 4.0, .mean = 0.3, .squares = 6.0}});
    shaper("controlled_kl_penalty", controlled_kl_penalty<k2>{{.kl_coef = 0.3}});
    shaper("kl_penalty_k2", kl_penalty<k2>{.kl_coef = 0.3});
    shaper("kl_penalty_absolute", kl_penalty<absolute>{.kl_coef = 0.3});
    shaper("kl_penalty_straight_through", kl_penalty<straight_through<k3>>{.kl_coef = 0.3});
    shaper("standardise_rewards", standardise_rewards<of_batch, zero_mean, biased>{});
    shaper("kl_penalty_k1", kl_penalty<k1>{.kl_coef = 0.3});
    shaper("kl_penalty_k3", kl_penalty<k3>{.kl_coef = 0.3});
    shaper("terminal_score", terminal_score{});
    shaper("terminal_score_at_eos", terminal_score_at_eos{});
    shaper("whiten_rewards", whiten_rewards{});
    shaper("chain",
           chain(missing_eos_penalty{1.0}, kl_penalty<k1>{}, terminal_score{}, optionally(whiten_rewards{}, false)));
    estimator("gae", gae{.gamma = 0.99, .lam = 0.95});
    estimator("gae_without_discount", gae{});
    estimator("gae_td_error", gae{.gamma = 0.9, .lam = 0.0});
    estimator("gae_whole_return", gae{.gamma = 0.9, .lam = 1.0});
    estimator("masked_gae", masked_gae{.gamma = 0.9, .lam = 0.8});
    estimator("discounted_returns", discounted_returns{.gamma = 0.9});
    estimator("lambda_returns", lambda_returns{.gamma = 0.9, .lam = 0.8});
    estimator("n_step", n_step{.gamma = 0.9, .steps = 2});
    estimator("decoupled_gae", decoupled_gae<>{0.9, 0.8, {}});
    estimator("decoupled_gae_length_adaptive", decoupled_gae<length_adaptive_lambda>{0.9, 0.8, {.alpha = 0.4}});
    estimator("v_trace", v_trace{.gamma = 0.9, .lam = 0.8, .clip_rho = 0.9, .clip_pg_rho = 1.1});
    estimator("leaky_v_trace", leaky_v_trace{.alpha = 0.6, .part = {.gamma = 0.9}});
    estimator("retrace", retrace{.gamma = 0.9, .lam = 0.8});
    estimator("remax", remax{.gamma = 0.9});
    estimator("reinforce_plus_plus", reinforce_plus_plus{});
    refinement("standardise", standardise<of_batch, kept_mean, biased>{});
    refinement("truncated_importance", truncated_importance{.cap = 1.1});
    refinement("masked_importance", masked_importance{.low = 0.7, .high = 1.4});
    refinement("sequence_masked_importance", sequence_masked_importance{.low = 0.8, .high = 1.2});
    aggregation("sequence_mean_token_mean", sequence_mean_token_mean{});
    aggregation("sequence_mean_token_sum", sequence_mean_token_sum{});
    aggregation("token_sum", token_sum{});
    aggregation("over_mini_batch", over_mini_batch<>{});
    if (rows % 2 == 0) {
        estimator("rloo", rloo{2});
        estimator("grpo", grpo{2});
        estimator("dr_grpo", dr_grpo{2});
        estimator("opo", opo{2});
        estimator("pass_at_k", pass_at_k{2});
        estimator("pass_at_4", pass_at_k{4});
        estimator("gpg", gpg{2});
        estimator("reinforce_plus_plus_baseline", reinforce_plus_plus_baseline{dr_grpo{2}, whiten{}});
        shaper("drop_flat_groups", chain(drop_flat_groups{2}, terminal_score{}));
        shaper("standardise_rewards_of_group", standardise_rewards<of_group>{{2}});
        refinement("standardise_of_group", standardise<of_group, zero_mean, biased>{{2}});
    }
    estimator("stock", chain(missing_eos_penalty{1.0}, kl_penalty<k1>{}, terminal_score{}, gae{}, whiten{}));
    f("whiten", []<class A>(experience<A> const& x) { return std::vector<A>{whiten{}(x).advantages}; });
    f("token_mean", []<class A>(experience<A> const& x) {
        return std::vector<A>{token_mean{}(x.mask), token_mean{}(x.value_mask)};
    });
    f("last_step", []<class A>(experience<A> const& x) {
        return std::vector<A>{last_step(x.mask), last_step(x.value_mask)};
    });
}

std::string shape_of(edge_batch const& batch) {
    return std::to_string(batch.then.mask.cells.rows()) + "_" + std::to_string(batch.then.mask.cells.cols());
}

}  // namespace

TEST_CASE("traces: every stock part's compiled text equals the Eigen reference at every edge") {
    auto batches = support::edge_batches();
    std::set<std::string> written;
    std::string functions;
    for (auto& batch : batches) {
        if (!written.insert(shape_of(batch)).second) continue;
        int at = 0;
        experience<traced_array> recorded;
        auto const models = arrays_of(batch.then);
        auto const inputs = arrays_of(recorded);
        for (std::size_t i = 0; i < inputs.size(); ++i)
            *inputs[i] = support::traced_inputs(models[i]->cells.rows(), models[i]->cells.cols(), at);
        each_part(recorded.mask.rows, [&](std::string const& name, auto const& part) {
            functions += support::as_function(name + "_" + shape_of(batch), part(recorded));
        });
    }
    compiled_text const text(functions);
    for (auto& batch : batches) {
        std::vector<double> in;
        for (array const* x : arrays_of(batch.then))
            for (double const cell : x->cells.reshaped<Eigen::RowMajor>()) in.push_back(cell);
        each_part(batch.then.mask.cells.rows(), [&](std::string const& name, auto const& part) {
            std::vector<double> expected;
            for (array const& x : part(batch.then))
                for (double const cell : x.cells.template reshaped<Eigen::RowMajor>()) expected.push_back(cell);
            std::vector<double> got(expected.size(), 0.0);
            text.find(name + "_" + shape_of(batch))(in.data(), got.data());
            for (std::size_t i = 0; i < got.size(); ++i) {
                INFO(name << " at: " << batch.name << ", number " << i << ": " << got[i] << " for " << expected[i]);
                bool const same = got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i])) ||
                                  std::abs(got[i] - expected[i]) <= 1e-12 * (1.0 + std::abs(expected[i]));
                CHECK(same);
            }
        });
    }
}
