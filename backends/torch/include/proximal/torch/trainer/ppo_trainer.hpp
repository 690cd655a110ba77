// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/needs.hpp>
#include <proximal/torch/generation/multinomial_sampler.hpp>
#include <proximal/torch/model/make_model.hpp>
#include <proximal/torch/trainer/answer.hpp>
#include <proximal/torch/trainer/check_arguments.hpp>
#include <proximal/torch/trainer/measure.hpp>
#include <proximal/torch/trainer/save_run.hpp>
#include <proximal/torch/trainer/score.hpp>
#include <proximal/torch/trainer/update.hpp>
#include <proximal/trainer/batch_arithmetic.hpp>
#include <proximal/trainer/prompt_cursor.hpp>
#include <proximal/trainer/random_stream.hpp>
#include <proximal/trainer/stopwatch.hpp>

namespace proximal::libtorch {

/// Trains a language model by reinforcement learning: TRL's PPOv2Trainer, for any algorithm composed of parts.
///
///     ppo_trainer trainer(stock_ppo(config), {.config = config, .tokenizer = words, .policy = policy, ...});
///     trainer.train();
///
/// It owns the pieces and their order, nothing else: each step is a free function that can be called alone
/// (generate, score, algorithm.evaluate, update, measure), and step() shows how they fit together.
/// No reference and no critic is run where the algorithm reads none of what it would say.
/// Throws std::invalid_argument, one sentence, where the arguments do not fit together.
template <class Algorithm>
class ppo_trainer {
   public:
    ppo_trainer(Algorithm algorithm, ppo_trainer_arguments given)
        : algorithm_(std::move(algorithm)),
          given_(std::move(given)),
          roles_(roles_of(given_.config, given_.tokenizer)),
          sizes_(divide_batches(given_.config, static_cast<std::int64_t>(given_.train_dataset.prompts.size()),
                                given_.world->world_size())),
          cursor_(static_cast<std::int64_t>(given_.train_dataset.prompts.size()), sizes_.batch_size, stream("data")),
          permutations_(stream("permutation")) {
        check_arguments(given_, needs_reference<Algorithm>, needs_critic<Algorithm>);
        if constexpr (!needs_reference<Algorithm>) given_.ref_policy.reset();
        if constexpr (!needs_critic<Algorithm>) given_.value_model.reset();
        set_requires_grad(given_.policy, true);
        if (given_.ref_policy) set_requires_grad(*given_.ref_policy, false);
        if (given_.value_model) set_requires_grad(*given_.value_model, true);
        if (!given_.optimizers.optimizer) given_.optimizers.optimizer = configured_optimizer(given_);
        if (!given_.optimizers.schedule)
            given_.optimizers.schedule = configured_schedule(given_.config, sizes_.num_total_batches);
        state_.updates = sizes_.num_total_batches;
        state_.output_dir = given_.config.output_dir;
    }

    /// The whole road: updates, tables of samples, callbacks, and the trained models in OUTPUT_DIR.
    /// After a non_finite_error the models of the last good step are saved, and it is thrown on.
    void train() {
        call([](trainer_callback& c, trainer_state& s) { c.on_train_begin(s); });
        run_ = {};
        try {
            while (state_.update < state_.updates && !state_.should_stop) {
                metrics const logged = step();
                call([&](trainer_callback& c, trainer_state& s) { c.on_log(s, logged); });
                if (sizes_.sample_generations_freq > 0 && (state_.update - 1) % sizes_.sample_generations_freq == 0 &&
                    !given_.eval_dataset.prompts.empty()) {
                    auto const table = sample_completions();
                    call([&](trainer_callback& c, trainer_state& s) { c.on_completions(s, table); });
                }
            }
        } catch (non_finite_error const&) {
            save();
            throw;
        }
        save();
        call([](trainer_callback& c, trainer_state& s) { c.on_train_end(s); });
    }

    /// One update, from prompts to metrics.
    metrics step() {
        stopwatch watch;
        auto const prompts = next();
        auto const samples = generate(prompts);
        double const generating = watch.lap();
        episodes const batch = assemble(left_padded(prompts, roles_.pad), samples, roles_);
        rollout<field> const recorded = score(batch, samples.logprobs);
        experience<field> const judged = algorithm_.evaluate(recorded);
        double const scoring = watch.lap();
        double const learning_rate = given_.config.learning_rate * given_.optimizers.schedule(state_.update);
        update_statistics const statistics = libtorch::update(
            algorithm_, {&given_.policy, critic()}, *given_.optimizers.optimizer, batch, judged, plan(learning_rate));
        double const updating = watch.lap();

        ++state_.update;
        state_.episode += sizes_.batch_size;
        state_.epoch = static_cast<double>(state_.episode) / static_cast<double>(given_.train_dataset.prompts.size());
        state_.seconds = run_.total();
        metrics logged;
        logged.set("eps", std::floor(static_cast<double>(state_.episode) / state_.seconds));
        for (auto const& [name, value] :
             measure(given_.config, recorded, judged, batch, roles_, statistics, *given_.world))
            logged.set(name, value);
        logged.set("lr", learning_rate);
        logged.set("episode", static_cast<double>(state_.episode));
        logged.set("epoch", state_.epoch);
        logged.set("time/generate", generating);
        logged.set("time/score", scoring);
        logged.set("time/update", updating);
        return logged;
    }

    /// The prompts of the next batch of this process.
    prompt_list next() {
        auto const rows = cursor_.next();  // of all processes, in the same order everywhere
        auto const first = rows.begin() + given_.world->rank() * sizes_.local_batch_size;
        prompt_list prompts;
        for (auto row = first; row != first + sizes_.local_batch_size; ++row)
            prompts.push_back(given_.train_dataset.prompts[static_cast<std::size_t>(*row)]);
        return given_.collator ? given_.collator(std::move(prompts)) : prompts;
    }

    /// Samples a response to each prompt. An episode's draws depend on the seed and its number alone.
    completions generate(prompt_list const& prompts) const {
        auto const first = state_.episode + given_.world->rank() * sizes_.local_batch_size;
        return libtorch::generate(given_.policy, prompts, sampling_at(given_.config.temperature),
                                  multinomial_sampler{stream("sampling"), static_cast<std::uint64_t>(first)});
    }

    /// Asks reference, critic and reward, as far as the algorithm reads them.
    rollout<field> score(episodes const& batch, at::Tensor const& logprobs) const {
        return libtorch::score({.reference = given_.ref_policy ? &*given_.ref_policy : nullptr,
                                .critic = critic(),
                                .reward = &given_.reward_model,
                                .temperature = scaled_temperature(given_.config.temperature),
                                .chunk = given_.config.local_rollout_forward_batch_size},
                               batch, logprobs, roles_.pad);
    }

    /// What the policy answers now. The draws are the same at every call.
    std::vector<sample> answer(prompt_list const& prompts, double temperature) const {
        return libtorch::answer(given_.policy, given_.tokenizer, given_.reward_model, prompts, sampling_at(temperature),
                                multinomial_sampler{stream("evaluation")}, roles_);
    }

    /// A table of what the policy answers, nearly greedily, to the first prompts of the evaluation data.
    /// Source: TRL v0.11.4, generate_completions: temperature 0.01, one batch.
    completions_table sample_completions() const {
        auto const& all = given_.eval_dataset.prompts;
        auto const count = std::min<std::ptrdiff_t>(std::ssize(all), given_.config.per_device_eval_batch_size);
        return to_table(answer({all.begin(), all.begin() + count}, 0.01));
    }

    /// Writes policy and critic as Hugging Face folders: OUTPUT_DIR and OUTPUT_DIR/value_model.
    void save() {
        if (!given_.world->is_main()) return;
        save_run(state_.output_dir, given_.policy, critic(), given_.tokenizer);
        call([](trainer_callback& c, trainer_state& s) { c.on_save(s, s.output_dir); });
    }

    /// How far the run is.
    trainer_state const& state() const { return state_; }
    /// The sizes that the configuration comes to.
    batch_arithmetic const& sizes() const { return sizes_; }
    /// The model being trained.
    causal_lm const& policy() const { return given_.policy; }

   private:
    static double scaled_temperature(double temperature) { return temperature + 1e-7; }  // TRL's guard against 0
    sequence_classifier const* critic() const { return given_.value_model ? &*given_.value_model : nullptr; }
    sampling sampling_at(double temperature) const {
        return {.temperature = scaled_temperature(temperature),
                .max_new_tokens = given_.config.response_length,
                .stop_token = roles_.stop,
                .pad_token = roles_.pad};
    }
    std::uint64_t stream(std::string_view purpose) const { return stream_seed(given_.config.seed, purpose); }
    update_plan plan(double learning_rate) {
        return {.ppo_epochs = given_.config.num_ppo_epochs,
                .mini_batch_size = sizes_.local_mini_batch_size,
                .micro_batch_size = sizes_.local_micro_batch_size,
                .temperature = scaled_temperature(given_.config.temperature),
                .learning_rate = learning_rate,
                .pad = roles_.pad,
                .permutation =
                    [this](std::int64_t) {
                        return at::tensor(random_permutation(sizes_.local_batch_size, permutations_), at::kLong);
                    },
                .steps_after = {}};
    }
    template <class F>
    void call(F const& f) {
        if (given_.world->is_main())
            for (auto const& callback : given_.callbacks) f(*callback, state_);
    }

    Algorithm algorithm_;
    ppo_trainer_arguments given_;
    token_roles roles_;
    batch_arithmetic sizes_;
    prompt_cursor cursor_;
    std::mt19937_64 permutations_;
    trainer_state state_;
    stopwatch run_;
};

}  // namespace proximal::libtorch
