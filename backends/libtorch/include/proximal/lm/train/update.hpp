// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <boost/hana/for_each.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <proximal/libtorch/operations.hpp>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/train/loss_scaler.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/predict.hpp>
#include <proximal/lm/train/step_pipeline.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/lm/train/trl_metrics.hpp>
#include <proximal/lm/train/update_statistics.hpp>
#include <proximal/rows.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// The two models that learn. The critic is null where the algorithm needs none.
struct learners {
    causal_lm const* policy = nullptr;
    sequence_classifier const* critic = nullptr;
};

/// Which rows of each mini-batch are this process's, where several train on one batch that all of them hold: the
/// `rank`-th of `processes` equal runs of rows.
struct batch_share {
    std::int64_t rank = 0, processes = 1;
};

/// How a batch is walked through.
struct update_plan {
    std::int64_t ppo_epochs = 4;
    std::int64_t mini_batch_size = 1;   // rows of the batch per optimizer step
    std::int64_t micro_batch_size = 1;  // rows per forward and backward pass
    double temperature = 1.0;
    double learning_rate = 0.0;
    std::int64_t pad = 0;
    std::int64_t logits_rows = libtorch::default_chunk;         // tokens whose logits are there at a time
    std::function<at::Tensor(std::int64_t epoch)> permutation;  // [B] int64, a fresh order of the rows per epoch
    /// Whether to step after a micro-batch; by default after the last of each mini-batch.
    std::function<bool(std::int64_t epoch, std::int64_t mini, std::int64_t micro)> steps_after{};
    step_pipeline stages{};                  // of every optimizer step; none: stock_pipeline of a single process
    std::function<void()> on_substep_end{};  // after a micro-batch that no step follows
    loss_scaler const* scaler = nullptr;     // multiplies the loss; its stages are the pipeline's
    bool every_pass = false;  // whether a micro-batch that counts nothing is run too, as other processes wait for it
    batch_share share{};
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

/// What the learners say now of a micro-batch: only what the algorithm reads or the metrics report.
inline prediction<libtorch::field> predict(learners const& models, episodes const& batch, std::int64_t pad,
                                           double temperature, std::int64_t logits_rows) {
    auto const predicted = predict_tokens(*models.policy, batch, batch.sampled, pad, temperature, logits_rows);
    prediction<libtorch::field> now{.logprobs = predicted.logprobs, .entropies = predicted.entropies};
    if (models.critic != nullptr) now.values = predict_values(*models.critic, batch, batch.value_mask, pad);
    return now;
}

/// Where a loss that is not finite has it from: what a model says, or the first of the parts' metrics.
inline std::string first_cause(prediction<libtorch::field> const& now, experience<libtorch::field> const& then,
                               std::map<std::string, double> const& numbers) {
    auto const found = first_row_not_finite(
        {{"log-probs of the policy", now.logprobs, then.mask}, {"values of the critic", now.values, then.value_mask}});
    if (!found.empty()) return " (" + found + ")";
    for (auto const& [name, value] : numbers)
        if (name.starts_with("loss/") && !std::isfinite(value))
            return " (" + name + " is " + std::to_string(value) + ")";
    return {};
}

/// [B] bool, on the host: rows of which a token counts for any term. A filter may have dropped all of a row's, and a
/// response may be empty. Waits for the device.
inline at::Tensor rows_that_count(experience<libtorch::field> const& judged) {
    auto const any = [](libtorch::field const& mask) { return mask.tensor.ne(0).any(1); };
    return any(judged.mask).logical_or(any(judged.value_mask)).cpu();
}

/// The numbers of one micro-batch by name, the parts' metrics and trl_metrics, and its loss, on the device. `sampled`
/// [R, T] is on the host.
inline micro_batch_numbers numbers_of(measured_loss const& measured, experience<libtorch::field> const& then,
                                      prediction<libtorch::field> const& now, at::Tensor const& sampled) {
    std::map<std::string, at::Tensor> numbers;
    for (auto const& [name, value] : measured.metrics) numbers[name] = value;
    boost::hana::for_each(trl_metrics(then, now), [&](auto const& metric) {
        if (!absent(metric.value)) numbers[std::string(metric.name)] = metric.value.tensor;
    });
    // A mean over the steps that were sampled; TRL samples all of [B, T], where the two are one.
    numbers["policy/entropy_avg"] =
        now.entropies.tensor.detach().sum().to(at::kDouble) / static_cast<double>(sampled.sum().item<std::int64_t>());
    micro_batch_numbers result;
    for (auto const& [name, value] : numbers) result.names.push_back(name), result.values.push_back(value);
    result.values.push_back(measured.loss.detach());
    return result;
}

/// Trains on a batch of experience: epochs of mini-batches of micro-batches.
///
/// Each micro-batch's loss is the algorithm's over its own tokens, divided by the micro-batches of a mini-batch: as in
/// TRL v0.11.4, the result depends on how a batch is split, unless the aggregation is over_mini_batch. A micro-batch
/// none of whose tokens count is passed over. The algorithm's guard may leave a step out, or end the update; so does an
/// overflow where the loss is scaled. Throws non_finite_error before a step that would spoil the models. Whatever ends
/// it, no gradient is left behind. Of several processes that hold one batch each trains on its share of every
/// mini-batch.
inline update_statistics update(trainable const& algorithm, learners const& models, optimizer& optimizer,
                                episodes const& batch, experience<libtorch::field> const& judged,
                                update_plan const& plan, micro_batch_observer const& observer = {}) {
    update_statistics statistics;
    std::int64_t const B = batch.size();
    if (B % plan.mini_batch_size != 0 || plan.mini_batch_size % (plan.micro_batch_size * plan.share.processes) != 0)
        throw std::invalid_argument(
            "proximal: a batch of " + std::to_string(B) + " rows does not divide into mini-batches of " +
            std::to_string(plan.mini_batch_size) + " and micro-batches of " + std::to_string(plan.micro_batch_size) +
            (plan.share.processes == 1 ? "" : " on " + std::to_string(plan.share.processes) + " processes"));
    std::int64_t const own_rows = plan.mini_batch_size / plan.share.processes;
    std::int64_t const accumulation = own_rows / plan.micro_batch_size;
    single_process alone;
    step_pipeline const stages = plan.stages.empty() ? stock_pipeline(algorithm, alone) : plan.stages;
    at::Tensor const counting = rows_that_count(judged);
    bool begins = false;  // whether the first that is read is the update's first
    auto const note = [&](std::vector<std::map<std::string, double>> const& micro_batches) {
        for (auto const& numbers : micro_batches) {
            if (std::exchange(begins, false))  // 1, where training sees what sampling saw
                statistics.series["val/ratio_at_start"].push_back(numbers.at("val/ratio_masked"));
            for (auto const& [name, number] : numbers)  // a variance of one number is none, not the update's
                if (!std::isnan(number)) statistics.series[name].push_back(number);
        }
    };
    struct forget_gradients {
        lm::optimizer const& of;
        ~forget_gradients() { of.zero_grad(); }
    } const at_the_end{optimizer};

    for (std::int64_t epoch = 0; epoch < plan.ppo_epochs; ++epoch) {
        at::Tensor const order = plan.permutation(epoch);
        at::Tensor const order_of_judged = libtorch::upload(order, judged.mask.tensor.device());
        std::vector<micro_batch_numbers> unread;
        for (std::int64_t mini = 0; mini < B / plan.mini_batch_size; ++mini) {
            auto const of_mini = [&](at::Tensor const& rows) {
                return rows.narrow(0, mini * plan.mini_batch_size, plan.mini_batch_size);
            };
            auto const rows_of_mini = of_mini(order);
            auto const mini_batch = algorithm.weigh(proximal::rows(judged, of_mini(order_of_judged)),
                                                    static_cast<double>(accumulation * plan.share.processes));
            for (std::int64_t micro = 0; micro < accumulation; ++micro) {
                auto const begin = plan.share.rank * own_rows + micro * plan.micro_batch_size;
                auto const index = rows_of_mini.narrow(0, begin, plan.micro_batch_size);
                auto const where = " in epoch " + std::to_string(epoch + 1) + ", mini-batch " +
                                   std::to_string(mini + 1) + ", micro-batch " + std::to_string(micro + 1);
                auto const then = each_array(mini_batch, [&](libtorch::field const& x) {
                    return x.tensor.dim() == 0 ? x : libtorch::field(x.tensor.narrow(0, begin, plan.micro_batch_size));
                });
                bool const steps = plan.steps_after ? plan.steps_after(epoch, mini, micro) : micro + 1 == accumulation;
                optimizer.begin_backward(steps);
                if (counting.index_select(0, index).any().item<bool>()) {
                    auto const now = predict(models, rows(batch, index), plan.pad, plan.temperature, plan.logits_rows);
                    auto const measured = algorithm.loss(then, now);
                    auto numbers = numbers_of(measured, then, now, batch.sampled.index_select(0, index));
                    auto const detached = [](libtorch::field const& x) { return libtorch::field(x.tensor.detach()); };
                    numbers.cause = [where, then, now = each_array(now, detached)](auto const& known, double loss) {
                        return "the loss became " + std::to_string(loss) + where + first_cause(now, then, known);
                    };
                    at::Tensor const share = measured.loss / static_cast<double>(accumulation);
                    torch::autograd::backward({plan.scaler != nullptr ? share * plan.scaler->scale : share}, {});
                    if (observer) {
                        optimizer_step seen{.optimizer = optimizer, .unread = {numbers}};
                        seen.read();
                        observer({epoch, mini, micro, index, now, measured.loss.detach(), seen.measured[0]});
                    }
                    begins = begins || (epoch == 0 && mini == 0 && micro == 0);
                    unread.push_back(std::move(numbers));
                } else if (plan.every_pass) {
                    auto const now = predict(models, rows(batch, index), plan.pad, plan.temperature, plan.logits_rows);
                    at::Tensor nothing = now.logprobs.tensor.sum() * 0.0;
                    if (!absent(now.values)) nothing = nothing + now.values.tensor.sum() * 0.0;
                    torch::autograd::backward({nothing}, {});
                }
                optimizer.end_backward();
                if (!steps) {
                    if (plan.on_substep_end) plan.on_substep_end();
                    continue;
                }
                optimizer_step step{.optimizer = optimizer,
                                    .learning_rate = plan.learning_rate,
                                    .where = where,
                                    .unread = std::exchange(unread, {})};
                for (auto const& stage : stages) stage(step);
                optimizer.zero_grad();
                step.read();
                note(step.measured);
                if (step.taken) {
                    statistics.series["grad_norm"].push_back(step.gradient_norm);
                    for (auto const& [model, norm] : step.gradient_norms)
                        if (model == "policy" || model == "value_model")
                            statistics.series[(model == "policy" ? "policy" : "value") + std::string("/grad_norm")]
                                .push_back(norm);
                    ++statistics.optimizer_steps;
                }
                statistics.skipped_steps += step.decision == verdict::skip && !step.overflowed;
                statistics.overflowed_steps += step.overflowed;
                statistics.stopped = step.decision == verdict::stop;
                if (statistics.stopped) return statistics;
            }
        }
        optimizer_step rest{.optimizer = optimizer, .unread = std::move(unread)};  // that no step followed
        rest.read();
        note(rest.measured);
    }
    return statistics;
}

}  // namespace proximal::lm
