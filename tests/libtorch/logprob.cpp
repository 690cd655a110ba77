// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <catch2/catch.hpp>
#include <proximal/libtorch/linear_logprob.hpp>
#include <proximal/libtorch/logprob.hpp>

using namespace proximal::libtorch;

namespace {

double const infinity = std::numeric_limits<double>::infinity();

/// The composite form, as its definition reads.
token_logprob composite(at::Tensor const& logits, at::Tensor const& targets, double temperature) {
    auto const log_p = at::log_softmax(logits / temperature, -1);
    return {log_p.gather(1, targets.unsqueeze(1)).squeeze(1), -(log_p.exp() * log_p).sum(-1)};
}
double distance(at::Tensor const& a, at::Tensor const& b) {
    return ((a.to(at::kDouble) - b.to(at::kDouble)).abs().max() / (1.0 + b.to(at::kDouble).abs().max())).item<double>();
}
std::vector<at::Tensor> slopes(token_logprob const& x, std::vector<at::Tensor> const& by, bool keep = false) {
    auto const n = x.logprob.size(0);
    auto const a = at::linspace(-1, 2, n, x.logprob.options().requires_grad(false)),
               b = at::linspace(0.5, -0.1, n, a.options());
    return torch::autograd::grad({(x.logprob * a).sum() + (x.entropy * b).sum()}, by, {}, keep);
}

}  // namespace

TEST_CASE("token_logprobs: hand numbers") {
    auto const logits =
        at::tensor({std::log(1.0), std::log(2.0), std::log(5.0)}, at::kDouble).reshape({1, 3}).requires_grad_();
    auto const got = token_logprobs(logits, at::tensor({1}, at::kLong));
    CHECK(got.logprob.item<double>() == Approx(std::log(0.25)));
    CHECK(got.entropy.item<double>() ==
          Approx(-0.125 * std::log(0.125) - 0.25 * std::log(0.25) - 0.625 * std::log(0.625)));
    auto const slope = torch::autograd::grad({got.logprob.sum()}, {logits})[0];
    CHECK(distance(slope, at::tensor({-0.125, 0.75, -0.625}, at::kDouble).reshape({1, 3})) < 1e-15);
}

TEST_CASE("token_logprobs: double equals the composite, float lies within float's accuracy of it") {
    at::manual_seed(1);
    for (int64_t V : {1, 2, 7, 31, 64, 1000, 5003}) {
        auto const exact = (3 * at::randn({9, V}, at::kDouble)).requires_grad_();
        auto const targets = at::randint(0, V, {9}, at::kLong);
        auto const expected = composite(exact, targets, 0.7);
        auto const gradient = slopes(expected, {exact})[0];
        for (bool in_place : {false, true}) {
            INFO("V " << V << ", in place " << in_place);
            auto const leaf = exact.detach().clone().requires_grad_();
            auto const got = token_logprobs(leaf * 1.0, targets, 0.7, in_place);
            CHECK(distance(got.logprob, expected.logprob) < 1e-12);
            CHECK(distance(got.entropy, expected.entropy) < 1e-12);
            CHECK(distance(slopes(got, {leaf})[0], gradient) < 1e-12);

            // float: a log-prob is a difference of numbers near 20 (2⁻²⁴ · 20 each), plus a few ulp of exp and the sums
            auto const narrow = exact.detach().to(at::kFloat).requires_grad_();
            auto const less = token_logprobs(narrow * 1.0, targets, 0.7, in_place);
            CHECK(distance(less.logprob, expected.logprob) < 5e-6);
            CHECK(distance(less.entropy, expected.entropy) < 5e-6);
            CHECK(distance(slopes(less, {narrow})[0], gradient) < 5e-6);
        }
    }
}

TEST_CASE("token_logprobs: the gradient is that of finite differences") {
    at::manual_seed(2);
    auto const logits = at::randn({3, 5}, at::kDouble).requires_grad_();
    auto const targets = at::tensor({0, 4, 2}, at::kLong);
    auto const value = [&](at::Tensor const& x) {
        auto const got = token_logprobs(x, targets, 1.3);
        return (got.logprob * at::linspace(-1, 2, 3, at::kDouble) +
                got.entropy * at::linspace(0.5, -0.1, 3, at::kDouble))
            .sum()
            .item<double>();
    };
    auto const gradient = slopes(token_logprobs(logits, targets, 1.3), {logits})[0];
    for (int i = 0; i < 15; ++i) {
        auto up = logits.detach().clone(), down = up.clone();
        up.view(-1)[i] += 1e-6, down.view(-1)[i] -= 1e-6;
        CHECK(gradient.reshape(-1)[i].item<double>() == Approx((value(up) - value(down)) / 2e-6).margin(1e-8));
    }
}

TEST_CASE("token_logprobs: extreme logits, impossible tokens, NaN") {
    auto const type = GENERATE(at::kFloat, at::kDouble);
    double const tolerance = type == at::kFloat ? 1e-5 : 1e-12;
    for (int64_t V : {5, 40, 4500}) {
        INFO("V " << V);
        auto x = at::zeros({6, V}, type);
        x[0].fill_(-1e4), x[0][2] = 1e4;           // one certain token
        x[1].fill_(1e4);                           // uniform, far out
        x[2].slice(0, 0, V - 1).fill_(-infinity);  // one possible token, in the last place
        x[3][V - 1] = NAN;
        x[4].fill_(-infinity);                     // none
        x[5].slice(0, 0, V / 2).fill_(-infinity);  // half of the vocabulary
        x.requires_grad_();
        auto const targets = at::tensor(std::vector<int64_t>{2, 1, V - 1, 0, 0, V - 1}, at::kLong);
        auto const got = token_logprobs(x, targets);
        auto const gradient = slopes(got, {x})[0];
        double const expected[][2] = {{0, 0},     {-std::log(V), std::log(V)},
                                      {0, 0},     {NAN, NAN},
                                      {NAN, NAN}, {-std::log(V - V / 2), std::log(V - V / 2)}};
        for (int i = 0; i < 6; ++i) {
            INFO("row " << i);
            double const logprob = got.logprob[i].item<double>(), entropy = got.entropy[i].item<double>();
            if (std::isnan(expected[i][0])) {
                CHECK((std::isnan(logprob) && std::isnan(entropy) && gradient[i].isnan().any().item<bool>()));
            } else {
                CHECK(logprob == Approx(expected[i][0]).margin(tolerance));
                CHECK(entropy == Approx(expected[i][1]).margin(tolerance));
                CHECK(gradient[i].isfinite().all().item<bool>());
            }
        }
        CHECK(gradient[5].slice(0, 0, V / 2).eq(0).all().item<bool>());
    }
}

TEST_CASE("row kernels: every instruction set of this CPU gives the same numbers to rounding") {
    at::manual_seed(3);
    for (int64_t size : {1, 3, 16, 33, 2048, 2049, 5000}) {
        auto const x = (5 * at::randn({size})).contiguous();
        auto const* const p = x.const_data_ptr<float>();
        auto const exact = x.to(at::kDouble).contiguous();
        auto const row = statistics_of_row(exact.const_data_ptr<double>(), size, 0.5);
        for (auto const& kernels : all_row_kernels) {
            if (!kernels.runs_here()) continue;
            INFO(kernels.name << ", " << size << " logits");
            auto const got = kernels.statistics(p, size, 0.5f);
            CHECK(got.highest == Approx(row.highest).epsilon(1e-7));
            CHECK(got.log_total == Approx(row.log_total).epsilon(1e-6).margin(1e-6));
            CHECK(got.entropy == Approx(row.entropy).epsilon(1e-6).margin(1e-6));
            std::vector<float> d(size);
            std::vector<double> expected(size);
            kernels.gradient(p, d.data(), size, 0.5f, got, 0.3f, -0.2f);
            gradient_of_row(exact.const_data_ptr<double>(), expected.data(), size, 0.5, row, 0.3, -0.2);
            double worst = 0.0;
            for (int64_t i = 0; i < size; ++i) worst = std::max(worst, std::abs(d[i] - expected[i]));
            CHECK(worst < 5e-6);
        }
    }
}

TEST_CASE("token_logprobs: bfloat16 goes through float; any ATen device's path agrees with the kernels") {
    at::manual_seed(4);
    auto const logits = at::randn({6, 50}).to(at::kBFloat16).requires_grad_();
    auto const targets = at::randint(0, 50, {6}, at::kLong);
    auto const got = token_logprobs(logits, targets, 0.9);
    auto const wide = logits.detach().to(at::kFloat).requires_grad_();
    auto const expected = token_logprobs(wide, targets, 0.9);
    CHECK(got.logprob.equal(expected.logprob));
    auto const gradient = slopes(got, {logits})[0];
    CHECK(gradient.scalar_type() == at::kBFloat16);
    CHECK(distance(gradient, slopes(expected, {wide})[0]) < 1.0 / 256);

    auto const exact = at::randn({6, 50}, at::kDouble),
               half = exact.to(at::kHalf);  // half has no kernel: ATen's operations
    auto const by_kernel = rows_of_softmax(half.to(at::kDouble), targets, 1.0),
               by_aten = rows_of_softmax(half.to(at::kHalf), targets, 1.0);
    CHECK(distance(by_aten.logprob, by_kernel.logprob) < 5e-3);
    CHECK(distance(by_aten.entropy, by_kernel.entropy) < 5e-3);
    auto kernel_out = at::empty_like(exact), aten_out = at::empty_like(half);
    auto const one = at::ones({6}, at::kDouble);
    gradient_of_softmax(half.to(at::kDouble), targets, 1.0, by_kernel, one, one, kernel_out);
    gradient_of_softmax(half, targets, 1.0, by_aten, one.to(at::kHalf), one.to(at::kHalf), aten_out);
    CHECK(distance(aten_out, kernel_out) < 5e-3);
}

TEST_CASE("linear_logprobs: any chunk equals the composite, in value and in both gradients, twice over") {
    at::manual_seed(5);
    auto const hidden = at::randn({23, 8}, at::kDouble).requires_grad_(),
               weight = at::randn({40, 8}, at::kDouble).requires_grad_();
    auto const targets = at::randint(0, 40, {23}, at::kLong);
    auto const expected = composite(hidden.mm(weight.t()), targets, 0.7);
    auto const gradients = slopes(expected, {hidden, weight});
    for (int64_t chunk : {1, 5, 23, 1000}) {
        INFO("chunk " << chunk);
        auto const got = linear_logprobs(hidden, weight, targets, 0.7, chunk);
        CHECK(distance(got.logprob, expected.logprob) < 1e-12);
        CHECK(distance(got.entropy, expected.entropy) < 1e-12);
        for (bool keep : {true, false}) {  // the kept chunk is spent by the first backward
            auto const again = slopes(got, {hidden, weight}, keep);
            CHECK(distance(again[0], gradients[0]) < 1e-12);
            CHECK(distance(again[1], gradients[1]) < 1e-12);
        }
        CHECK(distance(reference_logprobs(hidden, weight, targets, 0.7, chunk), expected.logprob) < 1e-12);
    }
    auto const frozen = linear_logprobs(hidden, weight.detach(), targets, 0.7, 5);
    CHECK(distance(slopes(frozen, {hidden})[0], gradients[0]) < 1e-12);
    auto const narrow = linear_logprobs(hidden.to(at::kBFloat16), weight.to(at::kBFloat16), targets, 0.7, 5);
    CHECK(narrow.logprob.scalar_type() == at::kFloat);
    CHECK(distance(narrow.logprob, expected.logprob) < 0.02);
    CHECK(distance(slopes(narrow, {weight})[0], gradients[1]) < 0.05);
    CHECK_FALSE(reference_logprobs(hidden, weight, targets).requires_grad());
    CHECK(linear_logprobs(hidden.slice(0, 0, 0), weight, targets.slice(0, 0, 0)).logprob.numel() == 0);
}

TEST_CASE("token_logprobs, linear_logprobs: wrong input is refused in a sentence") {
    auto const logits = at::zeros({2, 3}).requires_grad_();
    auto const targets = at::tensor({0, 2}, at::kLong);
    CHECK_THROWS_WITH(token_logprobs(logits, at::tensor({0, 3}, at::kLong)),
                      Catch::Contains("outside the vocabulary of 3"));
    CHECK_THROWS_WITH(token_logprobs(logits, at::tensor({-1, 0}, at::kLong)),
                      Catch::Contains("outside the vocabulary"));
    CHECK_THROWS_WITH(token_logprobs(logits, at::tensor({0}, at::kLong)),
                      Catch::Contains("one for each of the 2 rows"));
    CHECK_THROWS_WITH(token_logprobs(logits, targets, 0.0), Catch::Contains("temperature must be above 0"));
    CHECK_THROWS_WITH(token_logprobs(logits[0], targets), Catch::Contains("must be [N, V]"));
    CHECK_THROWS_WITH(linear_logprobs(at::zeros({2, 4}), at::zeros({3, 5}), targets),
                      Catch::Contains("hidden must be [N, H]"));
    CHECK_THROWS_WITH(linear_logprobs(at::zeros({2, 4}), at::zeros({3, 4}), targets, 1.0, 0),
                      Catch::Contains("chunk must be at least 1"));
    auto const spent = token_logprobs(logits * 1.0, targets, 1.0, true);
    slopes(spent, {logits}, true);
    CHECK_THROWS_WITH(slopes(spent, {logits}), Catch::Contains("backward runs once"));
}
