// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <proximal/control/step_summary.hpp>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/train/clip_gradients.hpp>
#include <proximal/lm/train/first_non_finite.hpp>
#include <proximal/lm/train/loss_scaler.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/lm/train/unread_metrics.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What was measured since the last optimizer step: sums over its micro-batches.
struct mini_batch_sums {
    double micro_batches = 0.0, approxkl = 0.0, ratio = 0.0;

    /// Takes a micro-batch's numbers in. One whose responses are all empty has neither KL nor ratio.
    void add(std::map<std::string, double> const& numbers) {
        auto const known = [&](char const* name) { return std::isnan(numbers.at(name)) ? 0.0 : numbers.at(name); };
        micro_batches += 1.0;
        approxkl += known("policy/approxkl_masked");
        ratio += known("val/ratio_masked");
    }
    /// Their means: what a guard sees.
    step_summary mean() const { return {.approxkl = approxkl / micro_batches, .ratio = ratio / micro_batches}; }
};

/// What a micro-batch measured, perhaps still on the device.
struct micro_batch_numbers {
    std::vector<std::string> names;
    std::vector<at::Tensor> values;  // [] each, the loss last, without a name
    /// Where its loss has what is not finite from, for who finds it so: given the numbers by name, and the loss.
    std::function<std::string(std::map<std::string, double> const&, double)> cause{};
};

/// An optimizer step on its way through the pipeline.
struct optimizer_step {
    lm::optimizer& optimizer;  // holds the parameters and their gradients
    double learning_rate = 0.0;
    std::string where{};                        // " in epoch 1, mini-batch 2, micro-batch 4"
    mini_batch_sums sums{};                     // of this process, then of all; complete once read() was called
    std::optional<std::string> failure{};       // the first number that was not finite, and where; the same
    std::vector<micro_batch_numbers> unread{};  // of the step's micro-batches
    std::vector<std::map<std::string, double>> measured{};  // the same, once read
    double gradient_norm = 0.0;                             // before clipping
    std::map<std::string, double> gradient_norms{};         // of each model alone, by its name before the parameters'
    verdict decision = verdict::take;
    bool overflowed = false;  // whether float16 did: the step is left out, and the loss scaled less
    bool taken = false;       // whether parameters moved

    /// Whether no micro-batch of any process counted: there is nothing to step on.
    bool is_empty() const { return sums.micro_batches == 0.0 && unread.empty(); }
    /// Reads what the micro-batches measured, and `more` [M] with it, which it gives: waits for the device once, and
    /// not where nothing is left to read.
    std::vector<double> read(at::Tensor const& more = {}) {
        std::vector<at::Tensor> parts;
        for (auto const& one : unread) parts.insert(parts.end(), one.values.begin(), one.values.end());
        if (more.defined()) parts.push_back(more);
        auto const all = read_numbers(parts);
        auto next = all.begin();
        for (auto const& one : std::exchange(unread, {})) {
            std::map<std::string, double> numbers;
            for (auto const& name : one.names) numbers[name] = *next++;
            if (double const loss = *next++; !std::isfinite(loss) && !failure)
                failure = one.cause ? one.cause(numbers, loss) : "the loss became " + std::to_string(loss) + where;
            sums.add(numbers);
            measured.push_back(std::move(numbers));
        }
        return {next, all.end()};
    }
};

/// A stage of an optimizer step. A stage that talks to other processes does so unconditionally.
using step_stage = std::function<void(optimizer_step&)>;

/// What happens between the last backward pass of a mini-batch and the moved parameters, stage by stage:
///
///     gradients -> reduce -> [unscale] -> norm -> [overflow] -> [clip] -> guard -> finite -> step
///
/// Clipping, sharded optimizers and listeners are stages in it.
using step_pipeline = std::vector<step_stage>;

/// Averages gradients and sums what was measured over all processes.
inline step_stage reduce_gradients(communicator& world) {
    return [&world](optimizer_step& step) {
        if (world.world_size() == 1) return;
        step.read();
        step.optimizer.average_gradients(world);
        at::Tensor sums = at::tensor(
            {step.sums.micro_batches, step.sums.approxkl, step.sums.ratio, step.failure ? 1.0 : 0.0}, at::kDouble);
        world.all_reduce_sum(sums);
        auto const* const of_all = sums.const_data_ptr<double>();
        step.sums = {of_all[0], of_all[1], of_all[2]};
        if (of_all[3] > 0.0 && !step.failure) step.failure = "the loss of another process became NaN or infinite";
    };
}

/// Takes gradients of a scaled loss back to those of the loss. After the reduction, by which an overflow of one process
/// is one of all.
inline step_stage unscale_gradients(loss_scaler& scaler) {
    return [&scaler](optimizer_step& step) { scaler.unscale(step.optimizer); };
}

/// Leaves a step out whose loss or gradients are not finite, and tells the scaler of every other: see loss_scaler.
/// The guard is not asked about what is left out.
inline step_stage skip_overflow(loss_scaler& scaler) {
    return [&scaler](optimizer_step& step) {
        if (step.is_empty()) return;
        step.overflowed = !scaler.take(!step.failure && std::isfinite(step.gradient_norm));
        if (step.overflowed) step.decision = verdict::skip;
    };
}

/// Measures the norm of all gradients together, and of each model's. Waits for the device: the one wait of a step where
/// there is one process, with which all that its micro-batches measured is read.
inline step_stage measure_norm() {
    return [](optimizer_step& step) {
        auto const unread = step.optimizer.norms();
        step.gradient_norms = step.optimizer.gradient_norms(unread, step.read(unread.norms));
        step.gradient_norm = optimizer::total_norm(step.gradient_norms);
    };
}

/// Scales gradients down to a norm: see clip_gradients.
inline step_stage clip_to(double max_norm) {
    return [max_norm](optimizer_step& step) { clip_gradients(step.optimizer, step.gradient_norm, max_norm); };
}

/// Asks the algorithm's guard.
inline step_stage ask_guard(trainable const& algorithm) {
    return [&algorithm](optimizer_step& step) {
        step.read();
        if (!step.is_empty() && !step.overflowed) step.decision = algorithm.guard(step.sums.mean());
    };
}

/// Throws non_finite_error for a step that would be taken and would spoil the models. After the guard: what it leaves
/// out does no harm.
inline step_stage refuse_non_finite() {
    return [](optimizer_step& step) {
        step.read();
        if (step.is_empty() || step.decision != verdict::take) return;
        char const* const advice = ": lower --learning_rate, or look at val/ratio and objective/kl";
        if (step.failure) throw non_finite_error(*step.failure + advice);
        if (!std::isfinite(step.gradient_norm))
            throw non_finite_error("the gradient became " + std::to_string(step.gradient_norm) + step.where + advice);
    };
}

/// Moves the parameters, unless the step is empty or left out.
inline step_stage move_parameters() {
    return [](optimizer_step& step) {
        if (step.is_empty() || step.decision != verdict::take) return;
        step.optimizer.step(step.learning_rate);
        step.taken = true;
    };
}

/// The pipeline of an algorithm in some processes; gradients are clipped to `max_grad_norm` where it is given.
/// `before` and `after` frame the moved parameters: listeners. The loss is a scaled one where there is a scaler.
inline step_pipeline stock_pipeline(trainable const& algorithm, communicator& world,
                                    std::optional<double> max_grad_norm = {}, step_stage before = {},
                                    step_stage after = {}, loss_scaler* scaler = nullptr) {
    step_pipeline stages{reduce_gradients(world)};
    if (scaler != nullptr) stages.push_back(unscale_gradients(*scaler));
    stages.push_back(measure_norm());
    if (scaler != nullptr) stages.push_back(skip_overflow(*scaler));
    if (max_grad_norm) stages.push_back(clip_to(*max_grad_norm));
    stages.push_back(ask_guard(algorithm));
    stages.push_back(refuse_non_finite());
    if (before) stages.push_back(std::move(before));
    stages.push_back(move_parameters());
    if (after) stages.push_back(std::move(after));
    return stages;
}

}  // namespace proximal::lm
