// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/lm/train/trl_metrics.hpp>
#include <proximal/proximal.hpp>

using namespace proximal;
using libtorch::field;

namespace {

struct batch {
    rollout<field> then;
    experience<field> judged;
    prediction<field> now;

    batch(std::int64_t B, std::int64_t T) {
        at::manual_seed(0);
        auto const draw = [&](double scale) { return field(scale * at::randn({B, T})); };
        auto const ends = at::randint(T / 2, T, {B, 1}, at::kLong), steps = at::arange(T, at::kLong);
        auto const until = [&](std::int64_t extra) { return field(steps.le(ends + extra).to(at::kFloat)); };
        then = {.logprobs = draw(1),
                .ref_logprobs = draw(1),
                .values = draw(1),
                .rewards = field(at::zeros({B, T})),
                .mask = until(0),
                .value_mask = until(1),
                .scores = field(at::randn({B})),
                .has_eos = field(at::ones({B})),
                .behaviour_logprobs = draw(1),
                .baseline_scores = field(at::randn({B}))};
        judged = chain(gae{}, whiten{})(then);
        now = {.logprobs = field((then.logprobs.tensor + 0.1 * at::randn({B, T})).requires_grad_()),
               .values = field((then.values.tensor + 0.1 * at::randn({B, T})).requires_grad_()),
               .entropies = draw(1)};
    }
};
batch& of(benchmark::State& state) {
    static std::map<std::pair<std::int64_t, std::int64_t>, batch> batches;
    return batches.try_emplace({state.range(0), state.range(1)}, state.range(0), state.range(1)).first->second;
}

auto const stock_loss = total(clipped_surrogate{}, clipped_value{});
auto const stock = algorithm{terminal_score{}, chain(gae{}, whiten{}), stock_loss};

void token_loss_composite(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state)
        benchmark::DoNotOptimize(torch::autograd::grad({stock.measure(x.judged, x.now).loss.tensor},
                                                       {x.now.logprobs.tensor, x.now.values.tensor}));
}
void token_loss_fused(benchmark::State& state) {
    auto& x = of(state);
    for (auto _ : state)
        benchmark::DoNotOptimize(torch::autograd::grad({libtorch::fused_loss(stock, x.judged, x.now).loss.tensor},
                                                       {x.now.logprobs.tensor, x.now.values.tensor}));
}
/// The bare loop: stock PPO's loss and gradient as one would write them by hand, without metrics, on one thread.
void token_loss_loop(benchmark::State& state) {
    auto& x = of(state);
    auto const p = [](field const& a) { return a.tensor.const_data_ptr<float>(); };
    auto const *mask = p(x.judged.mask), *value_mask = p(x.judged.value_mask), *old_logprob = p(x.judged.logprobs),
               *logprob = p(x.now.logprobs), *advantage = p(x.judged.advantages), *old_value = p(x.judged.values),
               *value = p(x.now.values), *target = p(x.judged.returns);
    auto const n = x.judged.mask.tensor.numel();
    auto d_logprob = at::empty({n}), d_value = at::empty({n});
    for (auto _ : state) {
        float *dl = d_logprob.mutable_data_ptr<float>(), *dv = d_value.mutable_data_ptr<float>();
        double count = 0, value_count = 0, loss = 0;
        for (std::int64_t i = 0; i < n; ++i) count += mask[i], value_count += value_mask[i];
        float const w = float(1 / count), v = float(0.1 / value_count);
        for (std::int64_t i = 0; i < n; ++i) {
            dl[i] = dv[i] = 0;
            if (mask[i] != 0) {
                float const ratio = std::exp(logprob[i] - old_logprob[i]), a = -advantage[i] * ratio,
                            b = -advantage[i] * std::min(std::max(ratio, 0.8f), 1.2f);
                loss += w * std::max(a, b);
                dl[i] = a >= b ? w * a : 0;
            }
            if (value_mask[i] != 0) {
                float const near = std::min(std::max(value[i], old_value[i] - 0.2f), old_value[i] + 0.2f);
                float const a = value[i] - target[i], b = near - target[i];
                loss += v * 0.5f * std::max(a * a, b * b);
                dv[i] = a * a >= b * b ? v * a : 0;
            }
        }
        benchmark::DoNotOptimize(loss);
        benchmark::ClobberMemory();
    }
}

/// TRL's form: one step of time at a time, each a handful of tensor operations.
void gae_composite(benchmark::State& state) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    auto const rewards = x.judged.rewards.tensor, values = select(x.then.value_mask, x.then.values, 0.0).tensor;
    std::int64_t const T = rewards.size(1);
    for (auto _ : state) {
        at::Tensor last = at::zeros({rewards.size(0)});
        std::vector<at::Tensor> reversed;
        for (std::int64_t t = T - 1; t >= 0; --t) {
            auto const next = t + 1 < T ? values.select(1, t + 1) : at::zeros({rewards.size(0)});
            last = rewards.select(1, t) + 1.0 * next - values.select(1, t) + 0.95 * last;
            reversed.push_back(last);
        }
        std::reverse(reversed.begin(), reversed.end());
        auto const advantages = at::stack(reversed, 1);
        benchmark::DoNotOptimize(advantages + values);
    }
}
void gae_fused(benchmark::State& state) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(gae{}(x.then));
}
void gae_loop(benchmark::State& state) {
    auto& x = of(state);
    auto const values = select(x.then.value_mask, x.then.values, 0.0).tensor.contiguous();
    auto const *r = x.then.rewards.tensor.const_data_ptr<float>(), *v = values.const_data_ptr<float>();
    std::int64_t const B = values.size(0), T = values.size(1);
    auto advantages = at::empty({B, T}), returns = at::empty({B, T});
    for (auto _ : state) {
        float *a = advantages.mutable_data_ptr<float>(), *g = returns.mutable_data_ptr<float>();
        for (std::int64_t b = 0; b < B; ++b) {
            float later = 0, next = 0;
            for (std::int64_t t = T - 1; t >= 0; --t) {
                std::int64_t const i = b * T + t;
                later = r[i] + next - v[i] + 0.95f * later;
                next = v[i];
                a[i] = later, g[i] = later + v[i];
            }
        }
        benchmark::ClobberMemory();
    }
}

template <class Part>
void part(benchmark::State& state, Part part) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(part(x.then));
}
template <class Part>
void refinement(benchmark::State& state, Part part) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(part(x.judged));
}
/// What a part that learns costs beside its run: sums over the batch, and a wait for them.
template <class Part>
void learning(benchmark::State& state, Part part) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(run_and_adapt(part, x.then));
}
void importance_ratios(benchmark::State& state) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(importance_ratio(x.then));
}
/// A guard sees two numbers a step: nanoseconds, whatever the batch.
void step_guards(benchmark::State& state) {
    auto const guard = guards(unguarded{}, target_kl{}, ratio_guard{});
    step_summary step{.approxkl = 0.01, .ratio = 1.1};
    for (auto _ : state) {
        benchmark::DoNotOptimize(step);
        benchmark::DoNotOptimize(guard(step));
    }
}
template <class Mean>
void aggregation(benchmark::State& state, Mean mean) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(mean(x.judged.mask));
}
void part_metrics(benchmark::State& state) {
    auto& x = of(state);
    at::NoGradGuard const guard;
    for (auto _ : state) benchmark::DoNotOptimize(lm::trl_metrics(x.judged, x.now));
}
/// What a term's loss is differentiated by; the entropies learn only where the term reads them.
template <class Algorithm>
std::pair<prediction<field>, std::vector<at::Tensor>> leaves(batch const& x, Algorithm const&) {
    prediction<field> now = x.now;
    if constexpr (!needs_entropy<Algorithm>) return {now, {now.logprobs.tensor, now.values.tensor}};
    now.entropies = field(x.now.entropies.tensor.detach().requires_grad_());
    return {now, {now.entropies.tensor}};
}
void term_composite(benchmark::State& state, auto const& algorithm) {
    auto& x = of(state);
    auto const [now, learning] = leaves(x, algorithm);
    for (auto _ : state)
        benchmark::DoNotOptimize(
            torch::autograd::grad({algorithm.measure(x.judged, now).loss.tensor}, learning, {}, {}, false, true));
}
void term_fused(benchmark::State& state, auto const& algorithm) {
    auto& x = of(state);
    auto const [now, learning] = leaves(x, algorithm);
    for (auto _ : state)
        benchmark::DoNotOptimize(torch::autograd::grad({libtorch::fused_loss(algorithm, x.judged, now).loss.tensor},
                                                       learning, {}, {}, false, true));
}
/// An algorithm whose loss is one term.
auto only(auto const& term) { return algorithm{terminal_score{}, gae{}, term}; }

void sizes(benchmark::internal::Benchmark* b) {
    b->Args({64, 53})->Args({4096, 256})->Unit(benchmark::kMicrosecond)->UseRealTime();
}

}  // namespace

BENCHMARK(token_loss_composite)->Apply(sizes);
BENCHMARK(token_loss_fused)->Apply(sizes);
BENCHMARK(token_loss_loop)->Apply(sizes);
BENCHMARK(gae_composite)->Apply(sizes);
BENCHMARK(gae_fused)->Apply(sizes);
BENCHMARK(gae_loop)->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, clipped_surrogate, only(clipped_surrogate{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, clipped_surrogate, only(clipped_surrogate{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, clipped_value, only(clipped_value{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, clipped_value, only(clipped_value{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, reinforce, only(reinforce{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, reinforce, only(reinforce{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, clip_higher, only(clip_higher{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, clip_higher, only(clip_higher{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, dual_clip, only(dual_clip{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, dual_clip, only(dual_clip{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, two_sided_clip, only(two_sided_clip{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, two_sided_clip, only(two_sided_clip{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, cispo, only(cispo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, cispo, only(cispo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, sapo, only(sapo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, sapo, only(sapo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, kl_loss, only(kl_loss<>{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, kl_loss, only(kl_loss<>{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, kl_loss_straight_through, only(kl_loss<straight_through<k3>>{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, kl_loss_straight_through, only(kl_loss<straight_through<k3>>{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, entropy_bonus, only(entropy_bonus{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, entropy_bonus, only(entropy_bonus{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, squared_value, only(squared_value{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, squared_value, only(squared_value{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, huber_value, only(huber_value{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, huber_value, only(huber_value{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, gspo, only(gspo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, gspo, only(gspo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, gmpo, only(gmpo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, gmpo, only(gmpo{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_composite, positive_lm, only(positive_lm{}))->Apply(sizes);
BENCHMARK_CAPTURE(term_fused, positive_lm, only(positive_lm{}))->Apply(sizes);
BENCHMARK_CAPTURE(part, kl_penalty_k1, kl_penalty<k1>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, kl_penalty_k2, kl_penalty<k2>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, kl_penalty_k3, kl_penalty<k3>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, kl_penalty_absolute, kl_penalty<absolute>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, kl_penalty_straight_through, kl_penalty<straight_through<k3>>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, missing_eos_penalty, missing_eos_penalty{})->Apply(sizes);
BENCHMARK_CAPTURE(part, missing_eos_score, missing_eos_score{})->Apply(sizes);
BENCHMARK_CAPTURE(part, missing_eos_scale, missing_eos_scale{})->Apply(sizes);
BENCHMARK_CAPTURE(part, score_clip, score_clip{})->Apply(sizes);
BENCHMARK_CAPTURE(part, length_penalty, length_penalty{})->Apply(sizes);
BENCHMARK_CAPTURE(part, minimum_length, minimum_length{})->Apply(sizes);
BENCHMARK_CAPTURE(part, overlong_penalty, overlong_penalty{})->Apply(sizes);
BENCHMARK_CAPTURE(part, controlled_kl_penalty, controlled_kl_penalty<>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, running_normalisation, running_normalisation{})->Apply(sizes);
BENCHMARK_CAPTURE(part, running_scaling, running_scaling{})->Apply(sizes);
BENCHMARK_CAPTURE(part, standardise_rewards, standardise_rewards<>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, standardise_rewards_of_group, standardise_rewards<of_group, zero_mean, biased>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, drop_flat_groups, drop_flat_groups{})->Apply(sizes);
BENCHMARK_CAPTURE(part, terminal_score_at_eos, terminal_score_at_eos{})->Apply(sizes);
BENCHMARK_CAPTURE(part, unshaped, unshaped{})->Apply(sizes);
BENCHMARK_CAPTURE(part, terminal_score, terminal_score{})->Apply(sizes);
BENCHMARK_CAPTURE(part, terminal_score_at_eos, terminal_score_at_eos{})->Apply(sizes);
BENCHMARK_CAPTURE(part, whiten_rewards, whiten_rewards{})->Apply(sizes);
BENCHMARK_CAPTURE(part, discounted_returns, discounted_returns{})->Apply(sizes);
BENCHMARK_CAPTURE(part, lambda_returns, lambda_returns{})->Apply(sizes);
BENCHMARK_CAPTURE(part, n_step, n_step{})->Apply(sizes);
BENCHMARK_CAPTURE(part, decoupled_gae, decoupled_gae<constant_lambda>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, decoupled_gae_length_adaptive, decoupled_gae<length_adaptive_lambda>{})->Apply(sizes);
BENCHMARK_CAPTURE(part, masked_gae, masked_gae{})->Apply(sizes);
BENCHMARK_CAPTURE(part, v_trace, v_trace{})->Apply(sizes);
BENCHMARK_CAPTURE(part, leaky_v_trace, leaky_v_trace{})->Apply(sizes);
BENCHMARK_CAPTURE(part, retrace, retrace{})->Apply(sizes);
BENCHMARK_CAPTURE(part, remax, remax{})->Apply(sizes);
BENCHMARK_CAPTURE(part, pass_at_k, pass_at_k{})->Apply(sizes);
BENCHMARK_CAPTURE(part, gpg, gpg{})->Apply(sizes);
BENCHMARK_CAPTURE(part, rloo, rloo{})->Apply(sizes);
BENCHMARK_CAPTURE(part, grpo, grpo{})->Apply(sizes);
BENCHMARK_CAPTURE(part, dr_grpo, dr_grpo{})->Apply(sizes);
BENCHMARK_CAPTURE(part, opo, opo{})->Apply(sizes);
BENCHMARK_CAPTURE(part, reinforce_plus_plus, reinforce_plus_plus{})->Apply(sizes);
BENCHMARK_CAPTURE(part, reinforce_plus_plus_baseline, reinforce_plus_plus_baseline{})->Apply(sizes);
BENCHMARK_CAPTURE(refinement, whiten, whiten{})->Apply(sizes);
BENCHMARK_CAPTURE(refinement, standardise, standardise<of_batch, kept_mean, biased>{})->Apply(sizes);
BENCHMARK_CAPTURE(refinement, standardise_of_group, standardise<of_group>{})->Apply(sizes);
BENCHMARK_CAPTURE(refinement, truncated_importance, truncated_importance{})->Apply(sizes);
BENCHMARK_CAPTURE(refinement, masked_importance, masked_importance{})->Apply(sizes);
BENCHMARK_CAPTURE(refinement, sequence_masked_importance, sequence_masked_importance{})->Apply(sizes);
BENCHMARK_CAPTURE(aggregation, token_mean, token_mean{})->Apply(sizes);
BENCHMARK_CAPTURE(aggregation, sequence_mean_token_mean, sequence_mean_token_mean{})->Apply(sizes);
BENCHMARK_CAPTURE(aggregation, sequence_mean_token_sum, sequence_mean_token_sum{})->Apply(sizes);
BENCHMARK_CAPTURE(aggregation, token_sum, token_sum{})->Apply(sizes);
BENCHMARK_CAPTURE(aggregation, over_mini_batch, over_mini_batch<>{})->Apply(sizes);
BENCHMARK_CAPTURE(learning, controlled_kl_penalty_fixed_kl, controlled_kl_penalty<k1, fixed_kl>{})->Apply(sizes);
BENCHMARK_CAPTURE(learning, controlled_kl_penalty_adaptive_kl, controlled_kl_penalty<k1, adaptive_kl>{})->Apply(sizes);
BENCHMARK_CAPTURE(learning, running_moments, running_scaling{})->Apply(sizes);
BENCHMARK(importance_ratios)->Apply(sizes);
BENCHMARK(step_guards);
BENCHMARK(part_metrics)->Apply(sizes);
