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
    return {&x.logprobs, &x.ref_logprobs, &x.values,  &x.rewards,    &x.mask,
            &x.value_mask, &x.scores, &x.has_eos, &x.advantages, &x.returns};
}

/// Calls f(name, part) for every part, each as a function from an experience to the arrays it gives.
void each_part(auto const& f) {
    auto const shaper = [&](std::string const& name, auto const& part) {
        f(name, [part]<class A>(experience<A> const& x) {
            rollout<A> const& recorded = x;
            auto const shaped = part(recorded);
            return std::vector<A>{shaped.rewards, shaped.scores};
        });
    };
    auto const estimator = [&](std::string const& name, auto const& part) {
        f(name, [part]<class A>(experience<A> const& x) {
            rollout<A> const& recorded = x;
            auto const judged = part(recorded);
            return std::vector<A>{judged.advantages, judged.returns};
        });
    };
    shaper("missing_eos_penalty", missing_eos_penalty{0.7});
    shaper("kl_penalty_k1", kl_penalty<k1>{.kl_coef = 0.3});
    shaper("kl_penalty_k3", kl_penalty<k3>{.kl_coef = 0.3});
    shaper("terminal_score", terminal_score{});
    shaper("terminal_score_at_eos", terminal_score_at_eos{});
    shaper("whiten_rewards", whiten_rewards{});
    shaper("chain", chain(missing_eos_penalty{1.0}, kl_penalty<k1>{}, terminal_score{}, optionally(whiten_rewards{}, false)));
    estimator("gae", gae{.gamma = 0.99, .lam = 0.95});
    estimator("gae_without_discount", gae{});
    estimator("gae_td_error", gae{.gamma = 0.9, .lam = 0.0});
    estimator("gae_whole_return", gae{.gamma = 0.9, .lam = 1.0});
    estimator("stock", chain(missing_eos_penalty{1.0}, kl_penalty<k1>{}, terminal_score{}, gae{}, whiten{}));
    f("whiten", []<class A>(experience<A> const& x) { return std::vector<A>{whiten{}(x).advantages}; });
    f("token_mean", []<class A>(experience<A> const& x) { return std::vector<A>{token_mean{}(x.mask), token_mean{}(x.value_mask)}; });
    f("last_step", []<class A>(experience<A> const& x) { return std::vector<A>{last_step(x.mask), last_step(x.value_mask)}; });
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
        each_part([&](std::string const& name, auto const& part) {
            functions += support::as_function(name + "_" + shape_of(batch), part(recorded));
        });
    }
    compiled_text const text(functions);
    for (auto& batch : batches) {
        std::vector<double> in;
        for (array const* x : arrays_of(batch.then))
            for (double const cell : x->cells.reshaped<Eigen::RowMajor>()) in.push_back(cell);
        each_part([&](std::string const& name, auto const& part) {
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
