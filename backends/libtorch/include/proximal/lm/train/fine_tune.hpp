// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/clip_gradients.hpp>
#include <proximal/lm/train/demonstration_loss.hpp>
#include <proximal/lm/train/step_pipeline.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/prompt_cursor.hpp>
#include <stdexcept>
#include <vector>

namespace proximal::lm {

/// How a small model is fine-tuned before PPO begins.
struct fine_tune_options {
    std::int64_t steps = 1000;
    std::int64_t batch_size = 32;
    double learning_rate = 1.5e-3;
    std::int64_t warmup_steps = 40;
    double prompt_weight = 0.3;  // of a prompt token's loss; a completion token's is 1
    double weight_decay = 0.1;
    double max_grad_norm = 1.0;
    std::uint64_t seed = 0;
};

/// Teaches a model demonstrations (supervised fine-tuning): AdamW, cosine schedule, clipped gradients. Gives the mean
/// loss of the last fiftieth of the steps. `on_step(step, loss per token)` is called after each.
///
/// The parameters that require a gradient learn; where none does, all do, and their gradients are off at the end.
/// Batches hold demonstrations of like length, so that a step's cost varies little.
inline double fine_tune(causal_lm const& model, std::vector<demonstration> const& data,
                        fine_tune_options const& options,
                        std::function<void(std::int64_t, double)> const& on_step = {}) {
    bool const all = begin_training(model);
    adamw optimizer(model.trainable_parameters(),
                    {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = options.weight_decay});
    auto const schedule = run::schedule_by_name("cosine", options.steps, options.warmup_steps);
    auto const length = [&](std::int64_t i) {
        return data[static_cast<std::size_t>(i)].prompt.size() + data[static_cast<std::size_t>(i)].completion.size();
    };
    std::int64_t const bucket = std::min<std::int64_t>(16, static_cast<std::int64_t>(data.size()) / options.batch_size);
    run::prompt_cursor cursor(static_cast<std::int64_t>(data.size()),
                              options.batch_size * std::max<std::int64_t>(1, bucket), options.seed);
    std::mt19937_64 engine(options.seed + 1);
    std::vector<std::vector<std::int64_t>> ready;  // batches of the bucket at hand
    double recent = 0.0;
    std::int64_t counted = 0;
    for (std::int64_t step = 0; step < options.steps; ++step) {
        if (ready.empty()) {
            auto rows = cursor.next();
            std::sort(rows.begin(), rows.end(), [&](auto a, auto b) { return length(a) < length(b); });
            for (auto const b :
                 run::random_permutation(static_cast<std::int64_t>(rows.size()) / options.batch_size, engine))
                ready.emplace_back(rows.begin() + b * options.batch_size, rows.begin() + (b + 1) * options.batch_size);
        }
        std::vector<demonstration> batch;
        for (auto const row : ready.back()) batch.push_back(data[static_cast<std::size_t>(row)]);
        ready.pop_back();
        auto const loss = demonstration_loss(model, batch, options.prompt_weight);
        auto const mean = loss.total / loss.weight;
        torch::autograd::backward({mean}, {});
        double const value = mean.item<double>(), norm = optimizer.gradient_norm();
        if (!std::isfinite(value) || !std::isfinite(norm))
            throw non_finite_error("the loss or gradient of fine-tuning became infinite or NaN in step " +
                                   std::to_string(step + 1) + ": lower its learning rate");
        clip_gradients(optimizer, norm, options.max_grad_norm);
        optimizer.step(options.learning_rate * schedule(step));
        optimizer.zero_grad();
        if (step >= options.steps - std::max<std::int64_t>(1, options.steps / 50)) recent += value, ++counted;
        if (on_step) on_step(step + 1, value);
    }
    if (all) set_requires_grad(model, false);
    return recent / static_cast<double>(std::max<std::int64_t>(1, counted));
}

}  // namespace proximal::lm
