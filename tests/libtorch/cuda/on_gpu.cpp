// SPDX-License-Identifier: Apache-2.0
#include "../../support/backends.hpp"
#include "../../support/kernel_checks.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <proximal/libtorch/device.hpp>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/logprob.hpp>
#include <proximal/libtorch/sample_rows.hpp>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

// The generated kernels, launched: `tests_libtorch "gpu:*"` where there is an NVIDIA GPU. Elsewhere they say SKIPPED.

using namespace proximal;
using libtorch::field, libtorch::fused_loss;
using support::as;

namespace {

/// The GPU, or nothing where there is none.
std::optional<at::Device> gpu() {
    auto const device = libtorch::choose_device(/*use_cpu=*/false);
    if (device.is_cuda()) {
        if (libtorch::cuda::gpu_launcher::find() == nullptr)
            throw std::runtime_error("there is a GPU, and no kernel can be launched on it");
        return device;
    }
    WARN("SKIPPED: no NVIDIA GPU on this machine, so no kernel was launched");
    return std::nullopt;
}

struct judged {
    std::vector<double> numbers;  // the loss, then the metrics
    std::vector<at::Tensor> gradients;
};
judged judge_on(at::Device device, at::ScalarType type, auto const& algorithm, experience<field> const& then,
                prediction<field> const& now) {
    auto const there = [&](field const& x) { return field(x.tensor.to(device, type)); };
    auto moved = each_array(now, there);
    std::vector<at::Tensor> leaves;
    for (field* x : {&moved.logprobs, &moved.values, &moved.entropies})
        leaves.push_back(x->tensor = x->tensor.detach().clone().requires_grad_());
    auto const measured = fused_loss(algorithm, each_array(then, there), moved);
    judged result{{measured.loss.tensor.template item<double>()}, {}};
    boost::hana::for_each(measured.metrics, [&](auto const& metric) {
        result.numbers.push_back(metric.value.tensor.template item<double>());
    });
    for (auto const& x : torch::autograd::grad({3.0 * measured.loss.tensor}, leaves, {}, {}, false, true))
        result.gradients.push_back(x.defined() ? x.cpu().to(at::kDouble) : at::Tensor{});
    return result;
}

bool alike(at::Tensor const& a, at::Tensor const& b, double near) {
    if (!a.defined() || !b.defined())
        return (a.defined() ? a : b).defined() ? (a.defined() ? a : b).abs().max().item<double>() == 0.0 : true;
    return at::allclose(a, b, near, near, /*equal_nan=*/true);
}

}  // namespace

void support::check_loss_kernels(at::Device device, grid_sizes const& sizes) {
    auto const shaper = chain(missing_eos_penalty{1.0}, kl_penalty<k1>{}, terminal_score{});
    auto const losses = boost::hana::make_tuple(
        clipped_surrogate{}, clipped_value{}, weighted(0.5, clipped_value{}), kl_loss<k1>{}, kl_loss<k3>{},
        clip_higher{}, dual_clip{}, two_sided_clip{}, cispo{}, sapo{}, reinforce{}, entropy_bonus{}, squared_value{},
        huber_value{}, gspo{}, gmpo{}, positive_lm{}, total(entropy_bonus{}, gspo{}),
        total(clipped_surrogate{}, clipped_value{}),
        total(kl_loss<k3>{}, weighted(0.5, clipped_value{}), clipped_surrogate{}));
    for (auto [B, T] : sizes) {
        auto const batch = support::random_batch(B + 1, T, 11);
        for (auto const type : {at::kDouble, at::kFloat}) {
            double const near = type == at::kDouble ? 1e-11 : 2e-4;
            boost::hana::for_each(losses, [&](auto const& loss) {
                auto const made = algorithm{shaper, chain(gae{}, whiten{}), loss};
                auto const then = made.evaluate(as<field>(batch.rollout));
                auto const here = judge_on(at::kCPU, at::kDouble, made, then, as<field>(batch.now));
                auto const away = judge_on(device, type, made, then, as<field>(batch.now));
                INFO(B << " x " << T << " " << at::toString(type) << " "
                       << libtorch::cuda::token_loss_kernel(loss, "T"));
                if (!std::isfinite(here.numbers[0])) return;  // whitening a single token
                for (std::size_t i = 0; i < here.numbers.size(); ++i)
                    CHECK(away.numbers[i] == Approx(here.numbers[i]).epsilon(near).margin(near));
                for (std::size_t i = 0; i < 3; ++i) CHECK(alike(away.gradients[i], here.gradients[i], near));
            });
        }
    }
}

void support::check_scan_kernels(at::Device device, grid_sizes const& sizes) {
    auto const estimators =
        boost::hana::make_tuple(gae{.gamma = 0.99, .lam = 0.95}, masked_gae{}, leaky_v_trace{}, discounted_returns{});
    for (auto [B, T] : sizes) {
        auto const batch = support::random_batch(B + 1, T, 5);
        auto const rollout = terminal_score{}(as<field>(batch.rollout));
        boost::hana::for_each(estimators, [&](auto const& estimator) {
            auto const here = estimator(rollout);
            auto const away = estimator(each_array(
                rollout, [&](field const& x) { return field(x.tensor.defined() ? x.tensor.to(device) : x.tensor); }));
            INFO(B << " x " << T);
            CHECK(alike(away.advantages.tensor.cpu(), here.advantages.tensor, 1e-11));
            CHECK(alike(away.returns.tensor.cpu(), here.returns.tensor, 1e-11));
        });
    }
}

void support::check_logprob_kernels(at::Device device, std::vector<std::int64_t> const& vocabularies) {
    double const infinite = std::numeric_limits<double>::infinity();
    for (std::int64_t const V : vocabularies)
        for (auto const type : {at::kDouble, at::kFloat, at::kBFloat16}) {
            auto logits = at::randn({9, V}, at::kDouble) * 3;
            logits[1][V - 1] = 100.0;
            if (V > 1) logits[2][0] = -infinite;
            logits[3][V / 2] = std::nan("");
            logits = logits.to(type);
            auto const targets = at::randint(0, V, {9}, at::kLong);
            auto const both = [&](at::Device where) {
                auto const x = logits.to(where).detach().clone().requires_grad_();
                auto const y = libtorch::token_logprobs(x, targets.to(where), 0.7);
                auto const d = torch::autograd::grad({y.logprob.sum() + 0.3 * y.entropy.sum()}, {x})[0];
                return std::vector{y.logprob.cpu(), y.entropy.cpu(), d.cpu()};
            };
            auto const here = both(at::kCPU), away = both(device);
            INFO("V " << V << " " << at::toString(type));
            for (std::size_t i = 0; i < 3; ++i) {
                auto const is_same = at::isclose(away[i], here[i], 1e-4, type == at::kDouble ? 1e-11 : 1e-4, true);
                INFO("output " << i << ": " << away[i].masked_select(~is_same) << here[i].masked_select(~is_same)
                               << " at " << at::nonzero(~is_same));
                CHECK(is_same.all().item<bool>());
            }
        }
    auto const wrong = libtorch::token_logprobs(at::zeros({2, 4}, at::TensorOptions(device)),
                                                at::tensor({1, 9}, at::kLong).to(device));
    CHECK(wrong.logprob.isnan().cpu().equal(at::tensor({0, 1}).to(at::kBool)));
}

namespace {

/// Who may be drawn of a row, by sorting it: indices, and their probabilities among themselves, both by index.
struct drawable {
    std::vector<std::int64_t> tokens{};
    std::vector<double> probabilities{};
};
drawable drawable_of(at::Tensor const& logits, double temperature, std::int64_t top_k, double top_p) {
    auto const z = logits.to(at::kDouble).div(temperature);
    auto const V = z.size(0);
    auto const [likely, order] = z.sort(/*stable=*/true, 0, /*descending=*/false);
    auto const least = top_k > 0 && top_k < V ? likely[V - top_k].item<double>() : -INFINITY;
    auto const kept = likely.masked_fill(likely.lt(least), -INFINITY).softmax(0);
    auto gone = kept.cumsum(0).le(1.0 - top_p + 1e-12);
    if (top_p == 1.0) gone = likely.lt(least);
    gone[V - 1] = false;
    drawable result;
    std::vector<std::pair<std::int64_t, double>> all;
    auto const all_kept = kept.masked_fill(gone, 0.0);
    auto const whole = all_kept.sum().item<double>();
    for (std::int64_t i = 0; i < V; ++i)
        if (auto const p = all_kept[i].item<double>(); p > 0.0)
            all.emplace_back(order[i].item<std::int64_t>(), p / whole);
    std::sort(all.begin(), all.end());
    for (auto const& [token, p] : all) result.tokens.push_back(token), result.probabilities.push_back(p);
    return result;
}

}  // namespace

void support::check_sample_kernel(at::Device device, std::vector<std::int64_t> const& vocabularies) {
    auto const* const launch = libtorch::cuda::launcher_for(at::empty({0}, at::TensorOptions(device)));
    REQUIRE(launch != nullptr);
    double const infinite = std::numeric_limits<double>::infinity();
    for (std::int64_t const V : vocabularies)
        for (auto const type : {at::kDouble, at::kFloat}) {
            auto logits = at::randn({9, V}, at::kDouble) * 3;
            logits[1][V - 1] = 60.0;                                          // as good as certain
            if (V > 1) logits[2][0] = -infinite, logits[3].fill_(-infinite);  // nothing can come of row 3
            logits[4].fill_(2.5);                                             // all alike
            logits[5] = (logits[5] / 2).round();                              // ties
            logits[6][V / 2] = -std::nan("");                                 // as 0 / 0 is on x86
            logits = logits.to(type);
            auto numbers = at::rand({9}, at::kDouble);
            numbers[7] = 0.0, numbers[8] = 1.0 - 0x1p-53;
            for (auto const& [top_k, top_p] :
                 std::vector<std::pair<std::int64_t, double>>{{0, 1.0}, {3, 1.0}, {0, 0.7}, {20, 0.63}, {0, 1e-300}}) {
                auto const drawn =
                    libtorch::sample_rows(*launch, logits.to(device), numbers.to(device), 0.7, top_k, top_p);
                auto const tokens = drawn.tokens.cpu(), logprobs = drawn.logprobs.cpu().to(at::kDouble);
                for (std::int64_t row = 0; row < 9; ++row) {
                    INFO("V " << V << " " << at::toString(type) << " top_k " << top_k << " top_p " << top_p << " row "
                              << row);
                    auto const token = tokens[row].item<std::int64_t>();
                    auto const logprob = logprobs[row].item<double>();
                    REQUIRE((token >= 0 && token < V));
                    if (row == 6 || (row == 3 && V > 1)) {
                        CHECK(std::isnan(logprob));
                        continue;
                    }
                    auto const who = drawable_of(logits[row], 0.7, top_k, top_p);
                    auto const at = std::find(who.tokens.begin(), who.tokens.end(), token) - who.tokens.begin();
                    REQUIRE(at < std::ssize(who.tokens));
                    double const near = type == at::kDouble ? 1e-10 : 2e-5;
                    auto const here = static_cast<std::size_t>(at);
                    CHECK(logprob == Approx(std::log(who.probabilities[here])).epsilon(near).margin(near));
                    double const before =
                        std::accumulate(who.probabilities.begin(), who.probabilities.begin() + at, 0.0);
                    auto const u = numbers[row].item<double>();
                    CHECK(before <= u + near);
                    CHECK(before + who.probabilities[here] >= u - near);
                }
            }
        }
    auto const none = libtorch::sample_rows(*launch, at::empty({0, 5}, at::TensorOptions(device)),
                                            at::empty({0}, at::TensorOptions(device).dtype(at::kDouble)), 1.0, 0, 1.0);
    CHECK(none.tokens.numel() == 0);
}

TEST_CASE("gpu: every loss as one kernel gives the CPU's loss, metrics and gradients") {
    if (auto const device = gpu())
        support::check_loss_kernels(*device, {{1, 1}, {2, 1}, {1, 7}, {29, 12}, {64, 53}, {3000, 300}});
}

TEST_CASE("gpu: estimators scan in one kernel a row, to the CPU's numbers") {
    if (auto const device = gpu()) support::check_scan_kernels(*device, {{1, 1}, {2, 33}, {64, 53}, {500, 300}});
}

TEST_CASE("gpu: log-probabilities, entropy and their gradient in two kernels, impossible tokens and NaN too") {
    if (auto const device = gpu()) support::check_logprob_kernels(*device, {1, 5, 511, 513, 50304});
}

TEST_CASE("gpu: a token is drawn in one kernel a row, filters included") {
    if (auto const device = gpu()) support::check_sample_kernel(*device, {1, 5, 511, 513, 50304});
}
