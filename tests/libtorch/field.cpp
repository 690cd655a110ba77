// SPDX-License-Identifier: Apache-2.0
#include <torch/csrc/autograd/autograd.h>
#include <proximal/eigen.hpp>
#include <proximal/libtorch.hpp>
#include <proximal/proximal.hpp>

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

namespace elsewhere {
/// Every function that a formula may call, without a namespace, as own_parts.md writes them.
struct all_functions {
    template <class A>
    A operator()(A const& x, A const& mask, A const& row) const {
        A const y = tanh(x) + log1p(abs(x)) + pow(abs(x) + 1.0, 2.0) + exp(min(x, 0.0)) + expm1(max(x, -1.0)) +
                    log(square(x) + 1.0) + sqrt(abs(x)) + sigmoid(x) + clamp(x, -0.5, 0.5) + select(mask, x, 0.0);
        A const numbers = masked_mean(y, mask) + masked_variance(y, mask) + count(mask) + sum(ones_like(x));
        A const rows = group_max(row, 2) + group_range(row, 2) + group_mean(row, 2) + row_sum(last_step(mask));
        return y + numbers + spread(rows, y) + detach(next_step(x));
    }
};
}  // namespace elsewhere

TEST_CASE("field: a part of another namespace calls every formula function, and gets the Eigen numbers") {
    auto const x = at::randn({4, 5}, at::kDouble), row = at::randn({4}, at::kDouble);
    auto const mask =
        at::tensor({1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 0}, at::kDouble).view({4, 5});
    auto const exact = [](at::Tensor const& t) {
        proximal::eigen::array a(t.size(0), t.dim() == 1 ? 1 : t.size(1));
        for (std::int64_t i = 0; i < t.numel(); ++i) a.cells.data()[i] = t.contiguous().const_data_ptr<double>()[i];
        return a;
    };
    auto const got = elsewhere::all_functions{}(proximal::libtorch::field(x), proximal::libtorch::field(mask),
                                                proximal::libtorch::field(row));
    auto const want = elsewhere::all_functions{}(exact(x), exact(mask), exact(row));
    CHECK((exact(got.tensor).cells - want.cells).abs().maxCoeff() < 1e-12);
}

TEST_CASE("algorithm: what was recorded is a constant, also where it still has a gradient") {
    using namespace proximal;
    using libtorch::field;
    auto const ours =
        algorithm{chain(kl_penalty<k1>{}, terminal_score{}), gae{}, total(clipped_surrogate{}, clipped_value{})};
    auto const ones = at::ones({2, 3}, at::kDouble);
    auto const logprobs = (-at::rand({2, 3}, at::kDouble)).requires_grad_();
    auto const values = at::rand({2, 3}, at::kDouble).requires_grad_();
    auto const gradients = [&](bool detach_first) {
        rollout<field> recorded;
        recorded.logprobs = detach_first ? logprobs.detach() : logprobs;
        recorded.values = detach_first ? values.detach() : values;
        recorded.ref_logprobs = (logprobs * 1.1).detach();
        recorded.rewards = at::zeros({2, 3}, at::kDouble);
        recorded.mask = ones, recorded.value_mask = ones, recorded.scores = at::tensor({1.0, -0.5}, at::kDouble);
        auto const judged = ours.evaluate(recorded);
        CHECK_FALSE(judged.advantages.tensor.requires_grad());
        prediction<field> now;
        now.logprobs = logprobs, now.values = values;
        return torch::autograd::grad({ours.loss(judged, now).tensor}, {logprobs, values});
    };
    auto const kept = gradients(false), detached = gradients(true);
    CHECK(kept[0].abs().max().item<double>() > 0.01);
    CHECK(at::equal(kept[0], detached[0]));
    CHECK(at::equal(kept[1], detached[1]));
}
