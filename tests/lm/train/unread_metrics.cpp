// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/measure.hpp>
#include <proximal/lm/train/row_mean.hpp>
#include <proximal/lm/train/unread_metrics.hpp>

#include <cmath>

using namespace proximal::lm;

TEST_CASE("unread_metrics: all are read in their order, whatever their dtype, and the last of a name counts") {
    unread_metrics unread;
    unread.set("a", at::scalar_tensor(1.5, at::kFloat));
    unread.set("b", 2.0);
    unread.set("c", at::scalar_tensor(3, at::kLong));
    unread.set("a", at::scalar_tensor(4.0, at::kDouble));
    auto const known = unread.read();
    CHECK(std::distance(known.begin(), known.end()) == 3);
    CHECK(known.begin()->first == "a");
    CHECK(*known.find("a") == 4.0);
    CHECK(*known.find("b") == 2.0);
    CHECK(*known.find("c") == 3.0);
    CHECK(read_numbers({at::arange(3, at::kFloat), at::scalar_tensor(7.0, at::kDouble), at::empty({0})}) ==
          std::vector<double>{0.0, 1.0, 2.0, 7.0});
    CHECK(read_numbers({}).empty());
}

TEST_CASE("row_mean: of the rows that were scored, whatever stands in the others") {
    at::Tensor const x = at::tensor({1.0, std::nan(""), 4.0}, at::kDouble);
    CHECK(row_mean(x, at::tensor({1, 0, 1}).to(at::kBool)).item<double>() == 2.5);
    CHECK(std::isnan(row_mean(x, {}).item<double>()));
    CHECK(row_mean(at::tensor({1, 0}).to(at::kBool), {}).item<double>() == 0.5);
}

TEST_CASE(
    "explained_variance: 1 for values that foresee, 0 for their mean, none where returns are equal or none count") {
    at::Tensor const returns = at::tensor({1.0, 2.0, 6.0, 9.0}, at::kDouble), mask = at::ones({4}, at::kDouble);
    auto const share = [&](at::Tensor const& values, at::Tensor const& counted) {
        return explained_variance(returns, values, counted).item<double>();
    };
    CHECK(share(returns + 3.0, mask) == Approx(1.0));
    CHECK(share(at::full({4}, 4.5, at::kDouble), mask) == Approx(0.0).margin(1e-12));
    CHECK(share(at::tensor({1.0, 3.0, 6.0, 100.0}, at::kDouble), at::tensor({1.0, 1.0, 1.0, 0.0})) ==
          Approx(1.0 - (2.0 / 9.0) / (14.0 / 3.0)));
    CHECK(std::isnan(explained_variance(at::ones({4}), returns, mask).item<double>()));
    CHECK(std::isnan(share(returns, at::zeros({4}))));
}
