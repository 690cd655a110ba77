// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/adapt.hpp>
#include <proximal/compose/find_knob.hpp>
#include <proximal/compose/needs.hpp>
#include <proximal/lm/generation/greedy_sampler.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/train/answer.hpp>
#include <proximal/lm/train/check_arguments.hpp>
#include <proximal/lm/train/measure.hpp>
#include <proximal/lm/train/save_run.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/lm/train/update.hpp>
#include <proximal/run/batch_arithmetic.hpp>
#include <proximal/run/prompt_cursor.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/run/stopwatch.hpp>

namespace proximal::lm {

/// Trains a language model by reinforcement learning: TRL's PPOv2Trainer, for any algorithm composed of parts.
///
///     ppo_trainer trainer(stock_ppo(config), {.config = config, .tokenizer = words, .policy = policy, ...});
///     trainer.train();
///
/// It owns the pieces and their order, nothing else: each step is a free function that can be called alone
/// (generate, score, algorithm.evaluate, update, measure), and step() shows how they fit together.
/// Where its parts compare a group, each prompt is answered group_size times, in rows in succession.
/// No reference and no critic is run where the algorithm reads none of what it would say.
/// Of policy and critic those parameters learn that require a gradient; where none of a model's does, all do.
/// Throws std::invalid_argument, one sentence, where the arguments do not fit together.
template <class Algorithm>
class ppo_trainer {
   public:
    ppo_trainer(Algorithm algorithm, ppo_trainer_arguments given)
        : algorithm_(std::move(algorithm)),
          given_(std::move(given)),
          roles_(roles_of(given_.config, given_.tokenizer)),
          group_size_(group_size_of(algorithm_)),
          sizes_(run::divide_batches(given_.config, static_cast<std::int64_t>(given_.train_dataset.prompts.size()),
                                     given_.world->world_size(), group_size_)),
          cursor_(static_cast<std::int64_t>(given_.train_dataset.prompts.size()), sizes_.batch_size / group_size_,
                  stream("data")),
          permutations_(stream("permutation")) {
        check_arguments(given_, needs_reference<Algorithm>, needs_critic<Algorithm>);
        if constexpr (!needs_reference<Algorithm>) given_.ref_policy.reset();
        if constexpr (!needs_critic<Algorithm>) given_.value_model.reset();
        begin_training(given_.policy);
        if (given_.ref_policy) set_requires_grad(*given_.ref_policy, false);
        if (given_.value_model) begin_training(*given_.value_model);
        if (!given_.optimizers.optimizer) given_.optimizers.optimizer = configured_optimizer(given_);
        if (!given_.optimizers.schedule)
            given_.optimizers.schedule = run::configured_schedule(given_.config, sizes_.num_total_batches);
        state_.updates = sizes_.num_total_batches;
        state_.output_dir = given_.config.output_dir;
    }

    /// The whole road: updates, tables of samples, callbacks, and the trained models in OUTPUT_DIR.
    /// After a non_finite_error the models of the last good step are saved, and it is thrown on.
    void train() {
        call([](run::trainer_callback& c, run::trainer_state& s) { c.on_train_begin(s); });
        run_ = {};
        try {
            while (state_.update < state_.updates && !state_.should_stop) {
                run::metrics const logged = step();
                call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_log(s, logged); });
                if (sizes_.sample_generations_freq > 0 && (state_.update - 1) % sizes_.sample_generations_freq == 0 &&
                    !given_.eval_dataset.prompts.empty()) {
                    auto const table = sample_completions();
                    call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_completions(s, table); });
                }
            }
        } catch (non_finite_error const&) {
            save();
            throw;
        }
        save();
        call([](run::trainer_callback& c, run::trainer_state& s) { c.on_train_end(s); });
    }

    /// One update, from prompts to metrics.
    run::metrics step() {
        run::stopwatch watch;
        auto const prompts = next();
        auto const samples = generate(prompts);
        double const generating = watch.lap();
        episodes const batch = assemble(left_padded(prompts, roles_.pad), samples, roles_);
        rollout<libtorch::field> recorded = score(batch, samples.logprobs);
        if constexpr (needs_baseline<Algorithm>) recorded.baseline_scores = greedy_scores(prompts, recorded);
        double const kl_coef = find_knob(algorithm_, "kl_coef").value_or(0.0);
        experience<libtorch::field> const judged = evaluate_and_adapt(algorithm_, recorded);
        double const scoring = watch.lap();
        double const learning_rate = given_.config.learning_rate * given_.optimizers.schedule(state_.update);
        update_statistics const statistics = lm::update(
            algorithm_, {&given_.policy, critic()}, *given_.optimizers.optimizer, batch, judged, plan(learning_rate));
        double const updating = watch.lap();

        ++state_.update;
        state_.episode += sizes_.batch_size;
        state_.epoch = static_cast<double>(state_.episode) /
                       static_cast<double>(given_.train_dataset.prompts.size() * static_cast<std::size_t>(group_size_));
        state_.seconds = run_.total();
        run::metrics logged;
        logged.set("eps", std::floor(static_cast<double>(state_.episode) / state_.seconds));
        for (auto const& [name, value] : measure(kl_coef, recorded, judged, batch, roles_, statistics, *given_.world))
            logged.set(name, value);
        if constexpr (!std::same_as<decltype(algorithm_.guard), unguarded>) {
            logged.set("policy/steps_skipped", static_cast<double>(statistics.skipped_steps));
            logged.set("policy/update_stopped", statistics.stopped ? 1.0 : 0.0);
        }
        if (find_knob(algorithm_, "kl_target")) logged.set("objective/kl_coef", kl_coef);
        logged.set("lr", learning_rate);
        logged.set("episode", static_cast<double>(state_.episode));
        logged.set("epoch", state_.epoch);
        logged.set("time/generate", generating);
        logged.set("time/score", scoring);
        logged.set("time/update", updating);
        return logged;
    }

    /// The prompts of the next batch of this process, each group_size times in succession.
    prompt_list next() {
        auto const rows = cursor_.next();  // of all processes, in the same order everywhere
        auto const own = sizes_.local_batch_size / group_size_;
        auto const first = rows.begin() + given_.world->rank() * own;
        prompt_list prompts;
        for (auto row = first; row != first + own; ++row)
            prompts.insert(prompts.end(), static_cast<std::size_t>(group_size_),
                           given_.train_dataset.prompts[static_cast<std::size_t>(*row)]);
        return given_.collator ? given_.collator(std::move(prompts)) : prompts;
    }

    /// Samples a response to each prompt. An episode's draws depend on the seed and its number alone.
    completions generate(prompt_list const& prompts) const {
        auto const first = state_.episode + given_.world->rank() * sizes_.local_batch_size;
        return lm::generate(given_.policy, prompts, sampling_at(given_.config.temperature),
                            multinomial_sampler{stream("sampling"), static_cast<std::uint64_t>(first)});
    }

    /// Asks reference, critic and reward, as far as the algorithm reads them; the policy too, where it reads what
    /// sampled.
    rollout<libtorch::field> score(episodes const& batch, at::Tensor const& logprobs) const {
        return lm::score({.reference = given_.ref_policy ? &*given_.ref_policy : nullptr,
                          .critic = critic(),
                          .reward = &given_.reward_model,
                          .temperature = scaled_temperature(given_.config.temperature),
                          .chunk = given_.config.local_rollout_forward_batch_size,
                          .policy = needs_behaviour<Algorithm> ? &given_.policy : nullptr},
                         batch, logprobs, roles_.pad);
    }

    /// The reward of a greedy response to each prompt. [B], as `like` is.
    at::Tensor greedy_scores(prompt_list const& prompts, rollout<libtorch::field> const& like) const {
        auto const drawn = lm::generate(given_.policy, prompts, sampling_at(1.0), greedy_sampler{});
        episodes const batch = assemble(left_padded(prompts, roles_.pad), drawn, roles_);
        return lm::score({.reward = &given_.reward_model}, batch, drawn.logprobs.to(like.logprobs.tensor.options()),
                         roles_.pad)
            .scores.tensor;
    }

    /// What the policy answers now. The draws are the same at every call.
    std::vector<sample> answer(prompt_list const& prompts, double temperature) const {
        return lm::answer(given_.policy, given_.tokenizer, given_.reward_model, prompts, sampling_at(temperature),
                          multinomial_sampler{stream("evaluation")}, roles_);
    }

    /// A table of what the policy answers, nearly greedily, to the first prompts of the evaluation data.
    /// Source: TRL v0.11.4, generate_completions: temperature 0.01, one batch.
    run::completions_table sample_completions() const {
        auto const& all = given_.eval_dataset.prompts;
        auto const count = std::min<std::ptrdiff_t>(std::ssize(all), given_.config.per_device_eval_batch_size);
        return to_table(answer({all.begin(), all.begin() + count}, 0.01));
    }

    /// Writes policy and critic as Hugging Face folders: OUTPUT_DIR and OUTPUT_DIR/value_model.
    void save() {
        if (!given_.world->is_main()) return;
        save_run(state_.output_dir, given_.policy, critic(), given_.tokenizer);
        call([](run::trainer_callback& c, run::trainer_state& s) { c.on_save(s, s.output_dir); });
    }

    /// How far the run is.
    run::trainer_state const& state() const { return state_; }
    /// The sizes that the configuration comes to.
    run::batch_arithmetic const& sizes() const { return sizes_; }
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
    std::uint64_t stream(std::string_view purpose) const { return run::stream_seed(given_.config.seed, purpose); }
    update_plan plan(double learning_rate) {
        return {.ppo_epochs = given_.config.num_ppo_epochs,
                .mini_batch_size = sizes_.local_mini_batch_size,
                .micro_batch_size = sizes_.local_micro_batch_size,
                .temperature = scaled_temperature(given_.config.temperature),
                .learning_rate = learning_rate,
                .pad = roles_.pad,
                .permutation =
                    [this](std::int64_t) {
                        return at::tensor(run::random_permutation(sizes_.local_batch_size, permutations_), at::kLong);
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
    std::int64_t group_size_;
    run::batch_arithmetic sizes_;
    run::prompt_cursor cursor_;
    std::mt19937_64 permutations_;
    run::trainer_state state_;
    run::stopwatch run_;
};

}  // namespace proximal::lm
