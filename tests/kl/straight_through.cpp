// SPDX-License-Identifier: Apache-2.0
#include "../support/kl_estimators.hpp"

using proximal::k1, proximal::k3, proximal::number, proximal::straight_through;

TEMPLATE_TEST_CASE("straight_through: the value of the one", "", BACKENDS) {
    double const ln2 = std::log(2.0);
    auto const logprob = support::grid<TestType>({{-1, -1, -1}});
    auto const ref = support::grid<TestType>({{-1, -1 + ln2, -1 - ln2}});
    CHECK(support::difference(straight_through<k3>{}(logprob, ref), k3{}(logprob, ref)) == 0.0);
}

TEST_CASE("straight_through: the value of the one, the slope of the other") {
    for (double d : {-2.0, 0.0, 0.7}) {
        auto const logprob = number<double, 1>::variable(d, 0);
        number<double> const ref = 0.0;
        CHECK(straight_through<k3>{}(logprob, ref).value == k3{}(logprob, ref).value);
        CHECK(straight_through<k3>{}(logprob, ref).partials[0] == d);
        CHECK(straight_through<k1, k3>{}(logprob, ref).partials[0] == k3{}(logprob, ref).partials[0]);
    }
#ifdef PROXIMAL_TEST_LIBTORCH
    using proximal::libtorch::field;
    auto const logprob = at::tensor({-2.0, 0.7}, at::kDouble).requires_grad_();
    auto const value = straight_through<k3>{}(field(logprob), field(at::zeros_like(logprob)));
    CHECK(torch::autograd::grad({value.tensor.sum()}, {logprob})[0].equal(logprob.detach()));
#endif
}
