// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <proximal/compose/needs.hpp>
#include <proximal/torch/generation/generate.hpp>
#include <proximal/torch/generation/multinomial_sampler.hpp>
#include <proximal/torch/model/make_model.hpp>
#include <proximal/torch/trainer/check_arguments.hpp>
#include <proximal/torch/trainer/measure.hpp>
#include <proximal/torch/trainer/save_run.hpp>
#include <proximal/torch/trainer/score.hpp>
#include <proximal/torch/trainer/update.hpp>
#include <proximal/trainer/batch_arithmetic.hpp>
#include <proximal/trainer/prompt_cursor.hpp>

namespace proximal::libtorch {

/// A prompt, what a policy answered, and the score of it.
struct sample {
    std::string query, response;
    double score;
};

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
        : algorithm_(std::move(algorithm)), given_(std::move(given)), roles_(roles_of(given_.config, given_.tokenizer)),
          sizes_(divide_batches(given_.config, static_cast<std::int64_t>(given_.train_dataset.prompts.size()), given_.world->world_size())),
          cursor_(static_cast<std::int64_t>(given_.train_dataset.prompts.size()), sizes_.local_batch_size, stream("data")),
          permutations_(stream("permutation")) {
        check_arguments(given_, needs_reference<Algorithm>, needs_critic<Algorithm>);
        if constexpr (!needs_reference<Algorithm>) given_.ref_policy.reset();
        if constexpr (!needs_critic<Algorithm>) given_.value_model.reset();
        auto const& config = given_.config;
        auto parameters = given_.policy.parameters();
        set_requires_grad(given_.policy, true);
        if (given_.ref_policy) set_requires_grad(*given_.ref_policy, false);
        if (given_.value_model) {
            set_requires_grad(*given_.value_model, true);
            for (auto const& parameter : given_.value_model->parameters()) parameters.push_back(parameter);
        }
        if (!given_.optimizers.optimizer)
            given_.optimizers.optimizer = std::make_shared<adamw>(
                parameters, adamw_options{config.adam_beta1, config.adam_beta2, config.adam_epsilon, config.weight_decay});
        auto const warmup = config.warmup_steps > 0 ? config.warmup_steps
                                                    : static_cast<std::int64_t>(std::ceil(config.warmup_ratio * static_cast<double>(sizes_.num_total_batches)));
        if (!given_.optimizers.schedule)
            given_.optimizers.schedule = schedule_by_name(config.lr_scheduler_type, sizes_.num_total_batches, warmup);
        state_.updates = sizes_.num_total_batches;
        state_.output_dir = config.output_dir;
    }

    /// The whole road: updates, tables of samples, callbacks, and the trained models in OUTPUT_DIR.
    /// After a non_finite_error the models of the last good step are saved, and it is thrown on.
    void train() {
        call([](trainer_callback& c, trainer_state& s) { c.on_train_begin(s); });
        start_ = clock::now();
        try {
            while (state_.update < state_.updates && !state_.should_stop) {
                metrics const logged = step();
                call([&](trainer_callback& c, trainer_state& s) { c.on_log(s, logged); });
                if (sizes_.sample_generations_freq > 0 && (state_.update - 1) % sizes_.sample_generations_freq == 0 && !given_.eval_dataset.prompts.empty()) {
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
        auto const began = clock::now();
        auto const prompts = next();
        auto const samples = generate(prompts);
        auto const sampled = clock::now();
        episodes const batch = assemble(left_padded(prompts, roles_.pad), samples, roles_);
        rollout<field> const recorded = score(batch, samples.logprobs);
        experience<field> const judged = algorithm_.evaluate(recorded);
        auto const scored = clock::now();
        double const learning_rate = given_.config.learning_rate * given_.optimizers.schedule(state_.update);
        update_statistics const statistics = libtorch::update(algorithm_, {&given_.policy, critic()}, *given_.optimizers.optimizer,
                                                              batch, judged, plan(learning_rate));
        auto const updated = clock::now();

        ++state_.update;
        state_.episode += sizes_.batch_size;
        state_.epoch = static_cast<double>(state_.episode) / static_cast<double>(given_.train_dataset.prompts.size());
        state_.seconds = seconds(start_, updated);
        metrics logged;
        logged.set("eps", std::floor(static_cast<double>(state_.episode) / state_.seconds));
        for (auto const& [name, value] : measure(given_.config, recorded, judged, batch, roles_, statistics, *given_.world)) logged.set(name, value);
        logged.set("lr", learning_rate);
        logged.set("episode", static_cast<double>(state_.episode));
        logged.set("epoch", state_.epoch);
        logged.set("time/generate", seconds(began, sampled));
        logged.set("time/score", seconds(sampled, scored));
        logged.set("time/update", seconds(scored, updated));
        return logged;
    }

    /// The prompts of the next batch of this process.
    prompt_list next() {
        prompt_list prompts;
        for (auto const row : cursor_.next()) prompts.push_back(given_.train_dataset.prompts[static_cast<std::size_t>(row)]);
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
        return libtorch::score({.reference = given_.ref_policy ? &*given_.ref_policy : nullptr, .critic = critic(),
                                .reward = &given_.reward_model, .temperature = scaled_temperature(given_.config.temperature),
                                .chunk = given_.config.local_rollout_forward_batch_size},
                               batch, logprobs, roles_.pad);
    }

    /// What the policy answers now, with the scores (before any penalty). The draws are the same at every call.
    std::vector<sample> answer(prompt_list const& prompts, double temperature) const {
        auto const drawn = libtorch::generate(given_.policy, prompts, sampling_at(temperature), multinomial_sampler{stream("evaluation")});
        auto const done = finished(assemble(left_padded(prompts, roles_.pad), drawn, roles_), roles_.pad);
        auto const scores = given_.reward_model(done).to(at::kDouble).cpu();
        std::vector<sample> samples;
        for (std::size_t i = 0; i < done.size(); ++i)
            samples.push_back({given_.tokenizer.decode(done[i].query, true), given_.tokenizer.decode(done[i].response),
                               scores[static_cast<std::int64_t>(i)].template item<double>()});
        return samples;
    }

    /// A table of what the policy answers, nearly greedily, to the first prompts of the evaluation data.
    /// Source: TRL v0.11.4, generate_completions: temperature 0.01, one batch.
    completions_table sample_completions() const {
        auto const& all = given_.eval_dataset.prompts;
        auto const count = std::min<std::size_t>(all.size(), static_cast<std::size_t>(given_.config.per_device_eval_batch_size));
        completions_table table{{"query", "model response", "score"}, {}};
        for (auto const& s : answer({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)}, 0.01))
            table.rows.push_back({s.query, s.response, fmt::format("{:.3f}", s.score)});
        return table;
    }

    /// Writes policy and critic as Hugging Face folders: OUTPUT_DIR and OUTPUT_DIR/value_model.
    void save() {
        if (!given_.world->is_main()) return;
        save_run(state_.output_dir, given_.policy, critic(), given_.tokenizer);
        call([](trainer_callback& c, trainer_state& s) { c.on_save(s, s.output_dir); });
    }

    trainer_state const& state() const { return state_; }
    batch_arithmetic const& sizes() const { return sizes_; }
    causal_lm const& policy() const { return given_.policy; }

   private:
    using clock = std::chrono::steady_clock;

    static double seconds(clock::time_point from, clock::time_point to) { return std::chrono::duration<double>(to - from).count(); }
    static double scaled_temperature(double temperature) { return temperature + 1e-7; }  // TRL's guard against 0
    sequence_classifier const* critic() const { return given_.value_model ? &*given_.value_model : nullptr; }
    sampling sampling_at(double temperature) const {
        return {.temperature = scaled_temperature(temperature), .max_new_tokens = given_.config.response_length,
                .stop_token = roles_.stop, .pad_token = roles_.pad};
    }
    /// A seed of its own for every use of chance, so that one never shifts another. Source: FNV-1a of the purpose.
    std::uint64_t stream(std::string_view purpose) const {
        std::uint64_t hash = 0xcbf29ce484222325u ^ given_.config.seed;
        for (char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
        return hash;
    }
    update_plan plan(double learning_rate) {
        return {.ppo_epochs = given_.config.num_ppo_epochs, .mini_batch_size = sizes_.local_mini_batch_size,
                .micro_batch_size = sizes_.local_micro_batch_size, .temperature = scaled_temperature(given_.config.temperature),
                .learning_rate = learning_rate, .pad = roles_.pad,
                .permutation = [this](std::int64_t) { return at::tensor(random_permutation(sizes_.local_batch_size, permutations_), at::kLong); },
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
    clock::time_point start_ = clock::now();
};

}  // namespace proximal::libtorch
