// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <boost/hana/for_each.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <proximal/compose/weigh.hpp>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/predict.hpp>
#include <proximal/lm/train/trl_metrics.hpp>
#include <proximal/rows.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// The step would have spoiled the models: a loss or gradient was NaN or infinite. The models are as before the step.
struct non_finite_error : std::runtime_error {
    using runtime_error::runtime_error;
};

/// The two models that learn. The critic is null where the algorithm needs none.
struct learners {
    causal_lm const* policy = nullptr;
    sequence_classifier const* critic = nullptr;
};

/// How a batch is walked through.
struct update_plan {
    std::int64_t ppo_epochs = 4;
    std::int64_t mini_batch_size = 1;   // rows per optimizer step
    std::int64_t micro_batch_size = 1;  // rows per forward and backward pass
    double temperature = 1.0;
    double learning_rate = 0.0;
    std::int64_t pad = 0;
    std::function<at::Tensor(std::int64_t epoch)> permutation;  // [B] int64, a fresh order of the rows per epoch
    /// Whether to step after a micro-batch; by default after the last of each mini-batch.
    std::function<bool(std::int64_t epoch, std::int64_t mini, std::int64_t micro)> steps_after;
};

/// What one micro-batch did; seen by an observer before the optimizer moves.
struct micro_batch_view {
    std::int64_t epoch, mini, micro;
    at::Tensor index;                        // [R] int64, rows of the batch
    prediction<libtorch::field> const& now;  // [R, T] each
    at::Tensor loss;                         // []
    std::map<std::string, double> const& measured;
};
/// Called after every micro-batch.
using micro_batch_observer = std::function<void(micro_batch_view const&)>;

/// Everything an update measured: a number per micro-batch under each metric's name, in the order they ran.
struct update_statistics {
    std::map<std::string, std::vector<double>> series;
    std::int64_t optimizer_steps = 0;
    std::int64_t skipped_steps = 0;  // left out by the algorithm's guard
    bool stopped = false;            // the guard ended the update early

    /// The mean over all micro-batches; NaN where nothing was measured under this name.
    double mean(std::string const& name) const {
        auto const found = series.find(name);
        if (found == series.end()) return std::numeric_limits<double>::quiet_NaN();
        auto const& all = found->second;
        double total = 0.0;
        for (double x : all) total += x;
        return total / static_cast<double>(all.size());
    }
    /// Unbiased; NaN for a single number.
    double variance(std::string const& name) const {
        auto const found = series.find(name);
        if (found == series.end()) return std::numeric_limits<double>::quiet_NaN();
        auto const& all = found->second;
        double const centre = mean(name);
        double total = 0.0;
        for (double x : all) total += (x - centre) * (x - centre);
        return total / static_cast<double>(all.size() - 1);
    }
};

/// What the learners say now of a micro-batch: only what the algorithm reads or the metrics report.
inline prediction<libtorch::field> predict(learners const& who, episodes const& batch, std::int64_t pad,
                                           double temperature) {
    auto const said = judge_tokens(*who.policy, batch, batch.sampled, pad, temperature);
    prediction<libtorch::field> now{.logprobs = said.logprobs, .entropies = said.entropies};
    if (who.critic != nullptr) now.values = judge_values(*who.critic, batch, batch.value_mask, pad);
    return now;
}

/// Whether no token of a batch counts for any term: a filter dropped them all, or every response is empty.
inline bool counts_nothing(experience<libtorch::field> const& then) {
    return !then.mask.tensor.any().item<bool>() && !then.value_mask.tensor.any().item<bool>();
}

/// The numbers of one micro-batch by name: the parts' metrics and trl_metrics.
template <class Measured>
std::map<std::string, double> numbers_of(Measured const& measured, experience<libtorch::field> const& then,
                                         prediction<libtorch::field> const& now, at::Tensor const& sampled) {
    std::map<std::string, double> numbers;
    auto const note = [&](auto const& metric) {
        if (!absent(metric.value)) numbers[std::string(metric.name)] = item(metric.value);
    };
    boost::hana::for_each(measured.metrics, note);
    boost::hana::for_each(trl_metrics(then, now), note);
    // A mean over the steps that were sampled; TRL samples all of [B, T], where the two are one.
    numbers["policy/entropy_avg"] = now.entropies.tensor.detach().sum().template item<double>() /
                                    static_cast<double>(sampled.sum().template item<std::int64_t>());
    return numbers;
}

/// What a guard is shown: means over the micro-batches since the last step.
struct mini_batch_summary {
    std::int64_t micro_batches = 0;
    double approxkl = 0.0, ratio = 0.0;

    /// Takes a micro-batch's numbers in.
    void add(std::map<std::string, double> const& numbers) {
        ++micro_batches;
        approxkl += numbers.at("policy/approxkl_masked");
        ratio += numbers.at("val/ratio_masked");
    }
    /// Their means: what a guard sees.
    step_summary mean() const {
        auto const n = static_cast<double>(micro_batches);
        return {.approxkl = approxkl / n, .ratio = ratio / n};
    }
};

/// The optimizer's step on the gradients gathered so far, if the algorithm's guard takes it.
/// Throws non_finite_error before a step that would spoil the models.
inline void take_step(verdict said, optimizer& descent, double learning_rate, std::string const& where,
                      update_statistics& statistics) {
    if (said != verdict::take) {
        descent.zero_grad();
        statistics.skipped_steps += said == verdict::skip;
        statistics.stopped = said == verdict::stop;
        return;
    }
    double const norm = descent.gradient_norm().item<double>();
    if (!std::isfinite(norm)) {
        descent.zero_grad();
        throw non_finite_error("the gradient became " + std::to_string(norm) + where +
                               ": lower --learning_rate, or look at val/ratio and objective/kl");
    }
    statistics.series["grad_norm"].push_back(norm);
    descent.step(learning_rate);
    ++statistics.optimizer_steps;
}

/// Trains on a batch of experience: epochs of mini-batches of micro-batches.
///
/// Each micro-batch's loss is the algorithm's over its own tokens, divided by the micro-batches of a mini-batch: as in
/// TRL v0.11.4, the result depends on how a batch is split, unless the aggregation is over_mini_batch. A micro-batch
/// none of whose tokens count is passed over. The algorithm's guard may leave a step out, or end the update. Throws
/// non_finite_error before a step that would spoil the models.
template <class Algorithm>
update_statistics update(Algorithm const& algorithm, learners const& who, optimizer& descent, episodes const& batch,
                         experience<libtorch::field> const& judged, update_plan const& plan,
                         micro_batch_observer const& observer = {}) {
    update_statistics statistics;
    std::int64_t const B = batch.size(), accumulation = plan.mini_batch_size / plan.micro_batch_size;
    if (B % plan.mini_batch_size != 0 || plan.mini_batch_size % plan.micro_batch_size != 0)
        throw std::invalid_argument(
            "proximal: a batch of " + std::to_string(B) + " rows does not divide into mini-batches of " +
            std::to_string(plan.mini_batch_size) + " and micro-batches of " + std::to_string(plan.micro_batch_size));
    for (std::int64_t epoch = 0; epoch < plan.ppo_epochs; ++epoch) {
        at::Tensor const order = plan.permutation(epoch).to(batch.mask.device());
        mini_batch_summary seen;
        for (std::int64_t mini = 0; mini < B / plan.mini_batch_size; ++mini) {
            auto const mini_batch = weigh(
                algorithm, proximal::rows(judged, order.narrow(0, mini * plan.mini_batch_size, plan.mini_batch_size)),
                static_cast<double>(accumulation));
            for (std::int64_t micro = 0; micro < accumulation; ++micro) {
                auto const begin = micro * plan.micro_batch_size;
                auto const index = order.narrow(0, mini * plan.mini_batch_size + begin, plan.micro_batch_size);
                auto const where = " in epoch " + std::to_string(epoch + 1) + ", mini-batch " +
                                   std::to_string(mini + 1) + ", micro-batch " + std::to_string(micro + 1);
                auto const then = each_array(mini_batch, [&](libtorch::field const& x) {
                    return x.tensor.dim() == 0 ? x : libtorch::field(x.tensor.narrow(0, begin, plan.micro_batch_size));
                });
                if (!counts_nothing(then)) {
                    auto const now = predict(who, rows(batch, index), plan.pad, plan.temperature);
                    auto const measured = libtorch::fused_loss(algorithm, then, now);
                    auto const numbers = numbers_of(measured, then, now, batch.sampled.index_select(0, index));
                    if (double const loss = item(measured.loss); !std::isfinite(loss))
                        throw non_finite_error("the loss became " + std::to_string(loss) + where +
                                               ": lower --learning_rate, or look at val/ratio and objective/kl");
                    torch::autograd::backward({measured.loss.tensor / static_cast<double>(accumulation)}, {});
                    if (observer) observer({epoch, mini, micro, index, now, measured.loss.tensor.detach(), numbers});
                    for (auto const& [name, number] : numbers) statistics.series[name].push_back(number);
                    seen.add(numbers);
                }
                bool const step = plan.steps_after ? plan.steps_after(epoch, mini, micro) : micro + 1 == accumulation;
                if (!step || seen.micro_batches == 0) continue;
                take_step(algorithm.guard(std::exchange(seen, {}).mean()), descent, plan.learning_rate, where,
                          statistics);
                if (statistics.stopped) return statistics;
            }
        }
    }
    return statistics;
}

}  // namespace proximal::lm
