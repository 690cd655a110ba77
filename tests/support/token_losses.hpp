// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef PROXIMAL_TEST_LIBTORCH
#include <torch/csrc/autograd/autograd.h>
#include <proximal/libtorch/fused_loss.hpp>
#endif

#include <catch2/catch.hpp>

#include "backends.hpp"

namespace support {

/// What a loss formula says of one token: the loss, its three slopes, its metrics.
struct verdict {
    double loss, d_logprob, d_value, d_entropy;
    std::vector<double> metrics;
};
using plain_token = proximal::token<double>;
inline verdict judge(auto const& formula, plain_token const& x) {
    using now = proximal::differentiated<double>;
    using token = proximal::differentiated_token<double>;
    auto const measured = proximal::as_measured(formula(proximal::token_of<token>([&](auto field) {
        if constexpr (field.held_by == proximal::holder::prediction) return now::variable<field.index>(field.in(x));
        else return proximal::number<double>(field.in(x));
    })));
    now const loss = measured.loss;
    verdict result{loss.value, loss.partials[0], loss.partials[1], loss.partials[2], {}};
    boost::hana::for_each(measured.metrics, [&](auto const& metric) { result.metrics.push_back(metric.value.value); });
    return result;
}

/// A token whose policy is `ratio` times as likely to say it as the old one was.
inline plain_token of_ratio(double ratio, double advantage) {
    return {.logprob = std::log(ratio), .advantage = advantage};
}

/// Where the policy has not moved, every policy loss has REINFORCE's gradient.
void check_reinforce_slope(auto const& formula) {
    for (double advantage : {-1.5, 1.5})
        CHECK(judge(formula, {.logprob = -2.0, .old_logprob = -2.0, .advantage = advantage}).d_logprob ==
              Approx(-advantage));
}

/// A token's slopes against finite differences, at 500 random tokens. (That a kink lies within 1e-6 of one is not
/// likely.)
void check_finite_differences(auto const& formula) {
    std::mt19937 engine(3);
    std::normal_distribution<double> normal;
    for (int i = 0; i < 500; ++i) {
        plain_token x;
        x.old_logprob = normal(engine) - 3.0, x.ref_logprob = x.old_logprob + 0.3 * normal(engine);
        x.logprob = x.old_logprob + 0.5 * normal(engine), x.entropy = std::abs(normal(engine));
        x.old_value = normal(engine), x.value = x.old_value + 0.3 * normal(engine), x.return_ = 2.0 * normal(engine);
        x.advantage = normal(engine), x.score = normal(engine);
        auto const slope = [&](double plain_token::*which) {
            plain_token up = x, down = x;
            up.*which += 1e-6, down.*which -= 1e-6;
            return (judge(formula, up).loss - judge(formula, down).loss) / 2e-6;
        };
        auto const exact = judge(formula, x);
        CHECK(exact.d_logprob == Approx(slope(&plain_token::logprob)).margin(1e-8));
        CHECK(exact.d_value == Approx(slope(&plain_token::value)).margin(1e-8));
        CHECK(exact.d_entropy == Approx(slope(&plain_token::entropy)).margin(1e-8));
    }
}

/// The gradient of a whole batch's loss against finite differences, at every third cell that did not tie: what tokens
/// say to one another, through a sequence mean, is in it.
void check_whole_batch(auto const& algorithm, proximal::experience<array> const& then,
                       proximal::prediction<array> now) {
    auto const exact = proximal::eigen::loss_and_gradient(algorithm, then, now).gradient;
    auto const loss = [&] { return algorithm.loss(then, now)(0, 0); };
    auto const check = [&](array& x, array const& before, array const& slopes, array const& mask) {
        for (Eigen::Index i = 0; i < mask.cells.size(); i += 3) {
            double& cell = x.cells.data()[i];
            if (mask.cells.data()[i] == 0.0 || cell == before.cells.data()[i]) continue;
            double const at = cell, step = 1e-6;
            cell = at + step;
            double const up = loss();
            cell = at - step;
            double const down = loss();
            cell = at;
            CHECK(slopes.cells.data()[i] == Approx((up - down) / (2 * step)).margin(1e-7));
        }
    };
    array const never = NaN * then.mask;
    check(now.logprobs, then.logprobs, exact.logprobs, then.mask);
    check(now.values, then.values, exact.values, then.value_mask);
    check(now.entropies, never, exact.entropies, then.mask);
}

/// Loss and gradients of a batch whose padding holds NaN and half of whose tokens tie: Eigen's pass over numbers,
/// tensors with autograd, and the fused pass, all three the same. Nothing remains outside the masks.
void check_algorithm(auto const& algorithm, Eigen::Index rows = 29) {
    using namespace proximal;
    auto const batch = random_batch(rows, 12, 5);
    auto const exact = algorithm.evaluate(batch.rollout);
    auto const expected = eigen::loss_and_gradient(algorithm, exact, batch.now);
    REQUIRE(std::isfinite(expected.loss));
    CHECK(difference(algorithm.loss(exact, batch.now), array(expected.loss)) < tolerance);
#ifdef PROXIMAL_TEST_LIBTORCH
    auto const then = algorithm.evaluate(as<field>(batch.rollout));
    auto const check = [&](auto const& measure) {
        auto const now = as<field>(batch.now);
        std::vector<at::Tensor> const leaves{now.logprobs.tensor.requires_grad_(), now.values.tensor.requires_grad_(),
                                             now.entropies.tensor.requires_grad_()};
        auto const measured = measure(then, now);
        CHECK(difference(measured.loss, array(expected.loss)) < tolerance);
        auto const slopes = torch::autograd::grad({measured.loss.tensor}, leaves, {}, {}, false, true);
        array const* const gradients[]{&expected.gradient.logprobs, &expected.gradient.values,
                                       &expected.gradient.entropies};
        for (int i = 0; i < 3; ++i)
            CHECK(difference(field(slopes[i].defined() ? slopes[i] : at::zeros_like(leaves[i])), *gradients[i]) <
                  tolerance);
        std::vector<double> metrics;
        boost::hana::for_each(measured.metrics, [&](auto const& metric) {
            CHECK_FALSE(metric.value.tensor.requires_grad());
            metrics.push_back(metric.value.tensor.template item<double>());
        });
        return metrics;
    };
    auto const composite = check([&](auto const& then, auto const& now) { return algorithm.measure(then, now); });
    auto const fused =
        check([&](auto const& then, auto const& now) { return libtorch::fused_loss(algorithm, then, now); });
    REQUIRE(fused.size() == composite.size());
    for (std::size_t i = 0; i < fused.size(); ++i) CHECK(fused[i] == Approx(composite[i]).epsilon(tolerance));
#endif
}
/// The same of one loss formula, under GAE.
void check_backends(auto const& formula) {
    using namespace proximal;
    check_algorithm(proximal::algorithm{chain(kl_penalty<k1>{}, terminal_score{}), chain(gae{}, whiten{}), formula});
}

}  // namespace support
