// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>
#include <proximal/libtorch/linear_logprob.hpp>
#include <proximal/libtorch/logprob.hpp>

using namespace proximal::libtorch;

namespace {

constexpr std::int64_t vocabulary = 50304, width = 512;
constexpr double temperature = 0.7;

/// log_softmax, gather, and the entropy from the log-probabilities: the least that ATen does it with (TRL adds a
/// softmax).
token_logprob composite(at::Tensor const& logits, at::Tensor const& targets) {
    auto const scaled = logits / temperature;
    auto const log_p = at::log_softmax(scaled, -1);
    return {log_p.gather(1, targets.unsqueeze(1)).squeeze(1), -(log_p.exp() * log_p).sum(-1)};
}
void backward(token_logprob const& x, std::vector<at::Tensor> const& by) {
    benchmark::DoNotOptimize(torch::autograd::grad({x.logprob.sum() + 0.01 * x.entropy.sum()}, by));
}

struct head {
    at::Tensor logits, hidden, weight, targets;
    explicit head(std::int64_t rows) {
        at::manual_seed(0);
        logits = at::randn({rows, vocabulary}).requires_grad_();
        hidden = at::randn({rows, width}).requires_grad_();
        weight = (0.05 * at::randn({vocabulary, width})).requires_grad_();
        targets = at::randint(0, vocabulary, {rows}, at::kLong);
    }
};
head& of(benchmark::State& state) {
    static std::map<std::int64_t, head> heads;
    return heads.try_emplace(state.range(0), state.range(0)).first->second;
}

void logprob_composite(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state) backward(composite(x.logits, x.targets), {x.logits});
}
void logprob_fused(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state) backward(token_logprobs(x.logits, x.targets, temperature), {x.logits});
}
void logprob_fused_in_place(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state) backward(token_logprobs(x.logits, x.targets, temperature, true), {x.logits});
    at::NoGradGuard const guard;
    x.logits.normal_();  // the logits became gradients
}
void logprob_forward_composite(benchmark::State& state) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(composite(x.logits, x.targets).entropy);
}
void logprob_forward_fused(benchmark::State& state) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(token_logprobs(x.logits, x.targets, temperature).entropy);
}
/// The bare loop: one row's exponentials, summed twice, by the C library.
void logprob_forward_loop(benchmark::State& state) {
    auto& x = of(state);
    auto const* const p = x.logits.const_data_ptr<float>();
    for (auto _ : state)
        for (std::int64_t i = 0; i < x.logits.size(0); ++i) {
            auto const* const row = p + i * vocabulary;
            float highest = row[0], total = 0, moment = 0;
            for (std::int64_t j = 1; j < vocabulary; ++j) highest = std::max(highest, row[j]);
            for (std::int64_t j = 0; j < vocabulary; ++j) {
                float const z = (row[j] - highest) * float(1 / temperature), e = std::exp(z);
                total += e, moment += e * z;
            }
            benchmark::DoNotOptimize(std::log(total) - moment / total);
        }
}
void head_logprob_composite(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state) backward(composite(x.hidden.mm(x.weight.t()), x.targets), {x.hidden, x.weight});
}
void head_logprob_fused(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state) backward(linear_logprobs(x.hidden, x.weight, x.targets, temperature), {x.hidden, x.weight});
}
void head_logprob_unchunked(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state)
        backward(token_logprobs(x.hidden.mm(x.weight.t()), x.targets, temperature, true), {x.hidden, x.weight});
}

}  // namespace

BENCHMARK(logprob_composite)->Arg(512)->Arg(1700)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(logprob_fused)->Arg(512)->Arg(1700)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(logprob_fused_in_place)->Arg(512)->Arg(1700)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(logprob_forward_loop)->Arg(512)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(logprob_forward_composite)->Arg(512)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(logprob_forward_fused)->Arg(512)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(head_logprob_composite)->Arg(512)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(head_logprob_unchunked)->Arg(512)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
BENCHMARK(head_logprob_fused)->Arg(512)->Unit(benchmark::kMillisecond)->MinTime(1)->UseRealTime();
