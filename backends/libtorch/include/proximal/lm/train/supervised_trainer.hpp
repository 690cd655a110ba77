// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <proximal/lm/train/check_precision.hpp>
#include <proximal/lm/train/clip_gradients.hpp>
#include <proximal/lm/train/configured_optimizer.hpp>
#include <proximal/lm/train/loss_scaler.hpp>
#include <proximal/lm/train/out_of_memory.hpp>
#include <proximal/lm/train/set_precision.hpp>
#include <proximal/lm/train/supervised_objective.hpp>
#include <proximal/lm/train/trainer.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/check_evaluation.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/peak_memory.hpp>
#include <proximal/run/prompt_cursor.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/run/stopwatch.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What a supervised_trainer takes.
struct supervised_trainer_arguments {
    run::training_options config;
    std::shared_ptr<supervised_objective> objective;
    bool group_by_length = false;              // rows of like length share a batch
    std::optional<std::uint64_t> data_seed{};  // of the data's order; the run's seed where none is given
    run::callback_list callbacks{};
    std::shared_ptr<lm::optimizer> optimizer{};  // in place of the configured one
    std::shared_ptr<communicator> world = std::make_shared<single_process>();
};

/// Trains a model on data that say what is right: supervised fine-tuning, reward modelling.
///
/// An update takes per_device_train_batch_size × gradient_accumulation_steps × processes rows, in micro-batches whose
/// gradients add up to that of the batch's mean loss, however it is split. A pass over the data leaves a last short
/// batch out. As transformers' Trainer, but for the mean: there each micro-batch's mean counts alike.
/// Throws std::invalid_argument, one sentence, where the arguments do not fit together.
class supervised_trainer final : public trainer {
   public:
    explicit supervised_trainer(supervised_trainer_arguments given)
        : trainer(given.config, given.callbacks, given.world),
          given_(std::move(given)),
          micro_batch_(given_.config.per_device_train_batch_size),
          own_rows_(micro_batch_ * given_.config.gradient_accumulation_steps),
          batch_(own_rows_ * world_->world_size()),
          cursor_(given_.objective->size(), batch_,
                  run::stream_seed(given_.data_seed.value_or(given_.config.seed), "data"),
                  given_.group_by_length ? lengths() : std::vector<std::int64_t>()) {
        auto const& config = given_.config;
        validate(config);
        refuse_new_batch_size(config, *world_);
        check_precision(given_.objective->parameters(), "model");
        auto const parameters = given_.objective->parameters();
        set_precision(config, parameters.front().tensor.options());
        if (config.sharding == "zero3" && world_->world_size() > 1) {
            known_identity();
            units_ = given_.objective->share_layers(world_);
        }
        if (config.gradient_checkpointing) given_.objective->recompute_layers();
        if (auto const dtype = compute_dtype(config)) given_.objective->compute_in(*dtype);
        given_.objective->begin();
        if (!given_.optimizer)
            given_.optimizer =
                configured_optimizer(config, given_.objective->trainable_parameters(), given_.world, units_);
        else check_own_optimizer(*given_.optimizer, given_.objective->trainable_parameters(), config);
        auto const per_epoch = given_.objective->size() / batch_;
        state_.updates =
            config.max_steps > 0
                ? config.max_steps
                : std::max<std::int64_t>(1, static_cast<std::int64_t>(
                                                std::ceil(config.num_train_epochs * static_cast<double>(per_epoch))));
        schedule_ = run::configured_schedule(config, state_.updates);
        run::check_evaluation(config, given_.objective->can_evaluate(), state_.updates);
        check_watched_metric(given_.objective->evaluated_metrics());
        check_same_run();
        announce(&run::trainer_callback::on_init_end);
    }

    run::metrics step() override {
        run::stopwatch watch;
        auto const all = cursor_.next();  // of all processes, in the same order everywhere
        double weight = 0.0;
        for (auto const row : all) weight += given_.objective->weight(row);
        auto const first = all.begin() + world_->rank() * own_rows_;
        std::vector<std::int64_t> const own(first, first + own_rows_);
        double const learning_rate = given_.config.learning_rate * schedule_(state_.update);
        auto const sums = accumulate(own, weight);
        auto& optimizer = *given_.optimizer;
        optimizer.average_gradients(*world_);
        if (given_.config.fp16) scaler_.unscale(optimizer);
        double const norm = optimizer.gradient_norm();
        bool const takes = given_.config.fp16 ? scaler_.take(std::isfinite(norm)) : true;
        if (takes && !std::isfinite(norm))
            throw non_finite_error("the loss or its gradient became infinite or NaN in update " +
                                   std::to_string(state_.update + 1) + ": lower --learning_rate");
        if (takes) move_parameters(norm, learning_rate);
        else optimizer.zero_grad();

        ++state_.update;
        state_.episode += batch_;
        state_.epoch = static_cast<double>(state_.update) / static_cast<double>(given_.objective->size() / batch_);
        double const seconds = watch.total();
        state_.seconds += seconds;
        double tokens = 0.0;
        for (auto const row : all) tokens += static_cast<double>(given_.objective->tokens(row));
        tokens_ += tokens;
        run::metrics logged;
        for (auto const& [name, number] : sums) logged.set(name, number.sum / number.weight);
        if (takes) logged.set("grad_norm", norm);
        if (given_.config.fp16) {
            logged.set("precision/loss_scale", scaler_.scale);
            logged.set("precision/steps_skipped", takes ? 0.0 : 1.0);
        }
        logged.set("learning_rate", learning_rate);
        logged.set("episode", static_cast<double>(state_.episode));
        logged.set("epoch", state_.epoch);
        logged.set("num_tokens", tokens_);
        logged.set("time/update", seconds);
        logged.set("memory/peak_mb", run::peak_memory_mb());
        if (given_.config.include_tokens_per_second) logged.set("tokens_per_second", tokens / seconds);
        return logged;
    }

    run::metrics evaluate() override {
        at::NoGradGuard const no_gradient;
        whole_parameters const whole(units_);
        return given_.objective->evaluate(given_.config.per_device_eval_batch_size, *world_);
    }

    /// The rows of an update.
    std::int64_t batch_size() const { return batch_; }

   private:
    std::vector<trained_model> models() const override {
        return {{"model", "", given_.objective->parameters(), units_}};
    }
    void save_model(trained_model const&, std::filesystem::path const& folder) const override {
        given_.objective->save(folder);
    }
    optimizer& moves() override { return *given_.optimizer; }
    void visit_learning(run::state_archive& archive) override {
        auto const fresh = cursor_;
        archive.within("cursor", cursor_);
        if (archive.is_reading() && given_.config.ignore_data_skip) cursor_ = fresh;  // the data begin anew
        archive("tokens", tokens_);
        archive.within("schedule", schedule_);
        if (!archive.is_reading() || archive.holds("loss_scaler")) archive.within("loss_scaler", scaler_);
    }
    run_identity identity() override {
        auto identity = given_.objective->identity();
        identity["--algorithm"] = "supervised";
        auto config = given_.config;
        identity[rows_of_a_step] = std::to_string(batch_);
        static constexpr std::array<std::string_view, 6> kept{
            "per_device_train_batch_size", "seed", "optim", "weight_decay", "adam_beta1", "adam_beta2"};
        for (auto const& knob : run::any_knobs(config))
            if (std::find(kept.begin(), kept.end(), knob.name) != kept.end()) identity["--" + knob.name] = knob.text();
        return identity;
    }
    void observe(double metric) override { schedule_.observe(metric); }
    bool samples_are_due() const override {
        auto const tables = given_.config.num_sample_generations;
        if (tables == 0 || !given_.objective->can_evaluate()) return false;
        return (state_.update - 1) % std::max<std::int64_t>(1, state_.updates / tables) == 0;
    }
    run::completions_table sample_table() override {
        at::NoGradGuard const no_gradient;
        whole_parameters const whole(units_);
        return given_.objective->samples(given_.config.per_device_eval_batch_size);
    }
    run::completions_table last_table() override {
        return given_.config.num_sample_generations > 0 && given_.objective->can_evaluate() ? sample_table()
                                                                                            : run::completions_table{};
    }

    std::vector<std::int64_t> lengths() const {
        std::vector<std::int64_t> lengths;
        for (std::int64_t row = 0; row < given_.objective->size(); ++row)
            lengths.push_back(given_.objective->tokens(row));
        return lengths;
    }
    void move_parameters(double norm, double learning_rate) {
        if (given_.config.max_grad_norm) clip_gradients(*given_.optimizer, norm, *given_.config.max_grad_norm);
        announce(&run::trainer_callback::on_pre_optimizer_step);
        given_.optimizer->step(learning_rate);
        given_.optimizer->zero_grad();
        ++state_.optimizer_steps;
        announce(&run::trainer_callback::on_optimizer_step);
    }
    /// The gradient of Σ losses / `weight` over this process's rows, times the processes, since their mean is taken,
    /// and times the loss scale; and what was measured. Where memory does not suffice --auto_find_batch_size halves the
    /// micro-batch.
    std::map<std::string, weighted_sum> accumulate(std::vector<std::int64_t> const& rows, double weight) {
        for (;;) {
            try {
                std::map<std::string, weighted_sum> sums;
                double const scale =
                    static_cast<double>(world_->world_size()) / weight * (given_.config.fp16 ? scaler_.scale : 1.0);
                for (std::size_t at = 0; at < rows.size(); at += static_cast<std::size_t>(micro_batch_)) {
                    auto const end = std::min(rows.size(), at + static_cast<std::size_t>(micro_batch_));
                    auto const part = given_.objective->loss({rows.begin() + static_cast<std::ptrdiff_t>(at),
                                                              rows.begin() + static_cast<std::ptrdiff_t>(end)});
                    given_.optimizer->begin_backward(end == rows.size());
                    torch::autograd::backward({part.total * scale}, {});
                    given_.optimizer->end_backward();
                    add(sums, part.numbers);
                    announce(&run::trainer_callback::on_substep_end);
                }
                return sum_over_processes(std::move(sums), *world_);
            } catch (std::exception const& error) {
                if (!is_out_of_memory(error)) throw;
                if (!given_.config.auto_find_batch_size || micro_batch_ % 2 != 0)
                    throw std::runtime_error(
                        "out of memory with micro-batches of " + std::to_string(micro_batch_) +
                        " rows: lower --per_device_train_batch_size and raise --gradient_accumulation_steps by the "
                        "same factor, or give --gradient_checkpointing or --auto_find_batch_size");
            }
            micro_batch_ /= 2;
            given_.optimizer->zero_grad();
        }
    }

    supervised_trainer_arguments given_;
    parameter_units units_;  // of layers that the processes share out
    std::int64_t micro_batch_, own_rows_, batch_;
    run::prompt_cursor cursor_;
    run::learning_rate_schedule schedule_;
    double tokens_ = 0.0;
    loss_scaler scaler_;
};

}  // namespace proximal::lm
