// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/lm/generation/generate_in_chunks.hpp>
#include <proximal/lm/generation/greedy_sampler.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/model/recomputing_backbone.hpp>
#include <proximal/lm/train/answer.hpp>
#include <proximal/lm/train/check_arguments.hpp>
#include <proximal/lm/train/checkpoint.hpp>
#include <proximal/lm/train/measure.hpp>
#include <proximal/lm/train/measure_answers.hpp>
#include <proximal/lm/train/out_of_memory.hpp>
#include <proximal/lm/train/save_run.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/lm/train/set_precision.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/lm/train/update.hpp>
#include <proximal/lm/train/useful_flops.hpp>
#include <proximal/lm/train/visit_tensor.hpp>
#include <proximal/run/batch_arithmetic.hpp>
#include <proximal/run/best_metric.hpp>
#include <proximal/run/checkpoint_folder.hpp>
#include <proximal/run/default_flow.hpp>
#include <proximal/run/early_stopping.hpp>
#include <proximal/run/log_history.hpp>
#include <proximal/run/peak_memory.hpp>
#include <proximal/run/prompt_cursor.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/run/state_folder.hpp>
#include <proximal/run/stopwatch.hpp>
#include <proximal/run/trainer_state.hpp>
#include <proximal/run/type_name.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Trains a language model by reinforcement learning: TRL's PPOv2Trainer, for any algorithm composed of parts.
///
///     ppo_trainer trainer(run::stock_ppo(config), {.config = config, .tokenizer = tokenizer, .policy = policy, ...});
///     trainer.train();
///
/// It owns the pieces and their order, nothing else: each step is a free function that can be called alone
/// (generate, score, algorithm.evaluate, update, measure), and step() shows how they fit together.
/// Where its parts compare a group, each prompt is answered group_size times, in rows in succession.
/// No reference and no critic is run where the algorithm reads none of what it would say.
/// Of policy and critic those parameters learn that require a gradient; where none of a model's does, all do.
/// Throws std::invalid_argument, one sentence, where the arguments do not fit together.
class ppo_trainer {
   public:
    ppo_trainer(trainable algorithm, ppo_trainer_arguments given)
        : algorithm_(std::move(algorithm)),
          given_(std::move(given)),
          roles_(roles_of(given_.config, given_.tokenizer)),
          group_size_(algorithm_.group_size()),
          sizes_(run::divide_batches(given_.config, static_cast<std::int64_t>(given_.train_dataset.prompts.size()),
                                     given_.world->world_size(), group_size_)),
          cursor_(static_cast<std::int64_t>(given_.train_dataset.prompts.size()), sizes_.batch_size / group_size_,
                  run::stream_seed(given_.config.data_seed.value_or(given_.config.seed), "data"),
                  given_.config.group_by_length ? lengths_of(given_.train_dataset) : std::vector<std::int64_t>()),
          permutations_(stream("permutation")),
          best_(given_.config) {
        algorithm_.check();
        check_agreement(given_.config, algorithm_);
        check_steps(given_.config, algorithm_);
        check_arguments(given_, algorithm_.needs_reference(), algorithm_.needs_critic());
        if (!algorithm_.needs_reference()) given_.ref_policy.reset();
        if (!algorithm_.needs_critic()) given_.value_model.reset();
        set_precision(given_.config, given_.policy.lm_head.device());
        if (given_.config.gradient_checkpointing) {
            given_.policy.body = std::make_shared<recomputing_backbone>(given_.policy.body);
            if (given_.value_model)
                given_.value_model->body = std::make_shared<recomputing_backbone>(given_.value_model->body);
        }
        begin_training(given_.policy);
        if (given_.ref_policy) set_requires_grad(*given_.ref_policy, false);
        if (given_.value_model) begin_training(*given_.value_model);
        if (!given_.optimizers.optimizer) given_.optimizers.optimizer = configured_optimizer(given_);
        if (!given_.optimizers.schedule)
            given_.optimizers.schedule = run::configured_schedule(given_.config, sizes_.num_total_batches);
        state_.updates = sizes_.num_total_batches;
        state_.output_dir = given_.config.output_dir;
        check_evaluation(given_.config, given_.eval_dataset, state_.updates);
        given_.callbacks.insert(given_.callbacks.begin(), std::make_shared<run::default_flow>(given_.config));
        if (given_.config.early_stopping_patience)
            given_.callbacks.push_back(std::make_shared<run::early_stopping>(
                best_.watched(), *given_.config.early_stopping_patience, given_.config.early_stopping_threshold));
        announce(&run::trainer_callback::on_init_end);
    }
    ppo_trainer(ppo_trainer const&) = delete;  // its pipeline refers to its algorithm
    ppo_trainer& operator=(ppo_trainer const&) = delete;

    /// The whole road: updates, what listeners ask for, and the trained models in OUTPUT_DIR, which is made. After
    /// resume() it goes on where the checkpoint stands.
    /// Whatever ends it, the models are saved as of the last optimizer step, if there was one; an error is then thrown
    /// on, and says so where even that failed.
    void train() {
        prepare_output();
        announce(&run::trainer_callback::on_train_begin);
        try {
            if (given_.config.eval_on_start && state_.update == 0) state_.should_evaluate = true, obey({});
            while (state_.update < state_.updates && !stop_is_asked()) {
                bool const first_of_epoch = is_whole(state_.epoch);
                if (first_of_epoch) announce(&run::trainer_callback::on_epoch_begin);
                announce(&run::trainer_callback::on_step_begin);
                double const before = state_.epoch;
                is_between_updates_ = false;
                run::metrics const logged = step();
                is_between_updates_ = true;
                request_samples();
                announce(&run::trainer_callback::on_step_end);
                if (std::floor(state_.epoch) > std::floor(before)) announce(&run::trainer_callback::on_epoch_end);
                obey(logged);
            }
            bool const ends_early = state_.update < state_.updates && given_.config.save_strategy != "no";
            if (ends_early && last_checkpoint_ != state_.update) save_checkpoint();
            if (given_.config.load_best_model_at_end && !state_.best_model_checkpoint.empty()) load_best();
        } catch (std::exception const& error) {
            end_after(error);
            throw;
        }
        save();
        bool const has_tables = sizes_.sample_generations_freq > 0 && !given_.eval_dataset.prompts.empty();
        if (has_tables && !state_.should_stop) sample_all();
        announce(&run::trainer_callback::on_train_end);
    }

    /// One update, from prompts to metrics.
    run::metrics step() {
        run::stopwatch watch;
        prompt_batch const prompts = next();
        completions const samples = generate(prompts.prompts);
        double const generating = watch.lap();
        episodes const batch = assemble(left_padded(prompts.prompts, roles_.pad), samples, roles_);
        scored_rollout scored = score(batch, samples.logprobs, prompts.records);
        if (algorithm_.needs_baseline())
            scored.recorded.baseline_scores = greedy_scores(prompts, scored.recorded.logprobs.tensor.options());
        check_models(scored.recorded);
        evaluation const evaluated = algorithm_.evaluate(scored.recorded);
        if (!array_not_finite(evaluated.judged).empty())
            throw non_finite_error(algorithm_.first_non_finite(scored.recorded));
        double const scoring = watch.lap();
        double const learning_rate = given_.config.learning_rate * given_.optimizers.schedule(state_.update);
        update_statistics const statistics = learn(batch, evaluated.judged, learning_rate);
        double const updating = watch.lap();

        ++state_.update;
        state_.episode += sizes_.batch_size;
        state_.epoch =
            static_cast<double>(state_.episode) /
            static_cast<double>(static_cast<std::int64_t>(given_.train_dataset.prompts.size()) * group_size_);
        state_.seconds += watch.total();
        run::metrics logged;
        logged.set("eps", std::floor(static_cast<double>(state_.episode) / state_.seconds));
        for (auto const& [name, value] : measure(scored, evaluated, batch, roles_, statistics, *given_.world))
            logged.set(name, value);
        if (algorithm_.is_guarded()) {
            logged.set("policy/steps_skipped", static_cast<double>(statistics.skipped_steps));
            logged.set("policy/update_stopped", statistics.stopped ? 1.0 : 0.0);
        }
        for (auto const& [name, value] : evaluated.reported) logged.set(name, value);
        logged.set("lr", learning_rate);
        logged.set("episode", static_cast<double>(state_.episode));
        logged.set("epoch", state_.epoch);
        logged.set("time/generate", generating);
        logged.set("time/score", scoring);
        logged.set("time/update", updating);
        logged.set("memory/peak_mb", run::peak_memory_mb());
        logged.set("compute/of_gemm_peak", floor_of(batch) / (generating + scoring + updating));
        if (given_.config.include_tokens_per_second)
            logged.set("tokens_per_second", static_cast<double>(batch.sampled.sum().item<std::int64_t>()) /
                                                (generating + scoring + updating));
        empty_cache_when_due();
        return logged;
    }

    /// update() on this batch. With --auto_find_batch_size an update that runs out of memory before its first optimizer
    /// step is made again with micro-batches half as large and twice as many, which later updates keep.
    update_statistics learn(episodes const& batch, experience<libtorch::field> const& judged, double learning_rate) {
        auto const steps_before = state_.optimizer_steps;
        auto const permutations_before = permutations_;
        for (;;) {
            try {
                return update(algorithm_, {&given_.policy, critic()}, *given_.optimizers.optimizer, batch, judged,
                              plan(learning_rate));
            } catch (std::exception const& error) {
                if (!is_out_of_memory(error)) throw;
                if (!given_.config.auto_find_batch_size || sizes_.local_micro_batch_size % 2 != 0 ||
                    state_.optimizer_steps != steps_before)
                    throw std::runtime_error(out_of_memory_remedy());
            }
            sizes_.local_micro_batch_size /= 2;
            permutations_ = permutations_before;
        }
    }

    /// The prompts of the next batch of this process, each group_size times in succession.
    prompt_batch next() {
        auto const rows = cursor_.next();  // of all processes, in the same order everywhere
        auto const own = sizes_.local_batch_size / group_size_;
        auto const first = static_cast<std::size_t>(given_.world->rank() * own);
        prompt_list drawn;
        for (std::size_t i = first; i < first + static_cast<std::size_t>(own); ++i)
            drawn.push_back(given_.train_dataset.prompts[static_cast<std::size_t>(rows[i])]);
        auto const collated = given_.collator ? given_.collator(drawn) : drawn;
        if (collated.size() != drawn.size())
            throw std::runtime_error("the collator gave " + std::to_string(collated.size()) + " prompts for " +
                                     std::to_string(drawn.size()) + ": it must give one each, in their order");
        prompt_batch batch;
        for (std::size_t i = 0; i < collated.size(); ++i)
            for (std::int64_t k = 0; k < group_size_; ++k) {
                batch.prompts.push_back(collated[i]);
                if (!given_.train_dataset.records.empty())
                    batch.records.push_back(given_.train_dataset.record(static_cast<std::size_t>(rows[first + i])));
            }
        return batch;
    }

    /// Samples a response to each prompt. An episode's draws depend on the seed and its number alone.
    completions generate(prompt_list const& prompts) {
        auto const first = state_.episode + given_.world->rank() * sizes_.local_batch_size;
        return sampled(prompts, given_.config.temperature, "sampling", first);
    }

    /// Asks reference, critic and reward, as far as the algorithm reads them; the policy too, where it reads what
    /// sampled.
    scored_rollout score(episodes const& batch, at::Tensor const& logprobs,
                         std::vector<nlohmann::json> const& records = {}) const {
        return lm::score({.reference = given_.ref_policy ? &*given_.ref_policy : nullptr,
                          .critic = critic(),
                          .reward = &given_.reward_model,
                          .temperature = scaled_temperature(given_.config.temperature),
                          .chunk = given_.config.local_rollout_forward_batch_size,
                          .policy = algorithm_.needs_behaviour() ? &given_.policy : nullptr,
                          .group_size = group_size_,
                          .logits_rows = logits_rows(given_.config.logits_memory_mb, given_.policy.lm_head)},
                         batch, logprobs, roles_.pad, {&given_.tokenizer, &records});
    }

    /// The reward of a greedy response to each prompt. [B]
    at::Tensor greedy_scores(prompt_batch const& prompts, at::TensorOptions const& options) {
        auto const drawn = generate_in_chunks(
            given_.policy, prompts.prompts, sampling_at(1.0), [](std::int64_t) { return greedy_sampler{}; },
            given_.config.local_rollout_forward_batch_size, on_token());
        episodes const batch = assemble(left_padded(prompts.prompts, roles_.pad), drawn, roles_);
        return lm::score({.reward = &given_.reward_model, .group_size = group_size_}, batch, drawn.logprobs.to(options),
                         roles_.pad, {&given_.tokenizer, &prompts.records})
            .recorded.scores.tensor;
    }

    /// What the policy answers now. The draws are the same at every call.
    std::vector<sample> answer(prompt_list const& prompts, double temperature,
                               std::vector<nlohmann::json> const& records = {}) {
        return score_answers(sampled(prompts, temperature, "evaluation"), given_.tokenizer, given_.reward_model,
                             prompts, records, roles_);
    }

    /// What the policy answers now to the first prompts of the evaluation data, `most` at most.
    std::vector<sample> answer_held_out(std::int64_t most) {
        return answer_evaluation(most, given_.config.temperature);
    }

    /// A table of what the policy answers, nearly greedily, to the first prompts of the evaluation data.
    /// Source: TRL v0.11.4, generate_completions: temperature 0.01, one batch.
    run::completions_table sample_completions() { return sample_completions(given_.config.per_device_eval_batch_size); }
    /// The same for as many prompts as there are, `most` at most.
    run::completions_table sample_completions(std::int64_t most) { return to_table(answer_evaluation(most, 0.01)); }

    /// What the policy's answers to all evaluation prompts come to: see measure_answers. The draws are the same at each
    /// call, and change nothing of the run's. Throws std::runtime_error where there are no evaluation prompts.
    run::metrics evaluate() {
        auto const& prompts = given_.eval_dataset.prompts;
        if (prompts.empty()) throw std::runtime_error("there are no evaluation prompts to evaluate");
        completions const drawn = sampled(prompts, given_.config.temperature, "evaluation");
        return measure_answers({.reference = given_.ref_policy ? &*given_.ref_policy : nullptr,
                                .reward = &given_.reward_model,
                                .temperature = scaled_temperature(given_.config.temperature),
                                .chunk = given_.config.local_rollout_forward_batch_size},
                               assemble(left_padded(prompts, roles_.pad), drawn, roles_), drawn.logprobs, roles_.pad,
                               {&given_.tokenizer, &given_.eval_dataset.records});
    }

    /// Writes policy and critic as Hugging Face folders: OUTPUT_DIR and OUTPUT_DIR/value_model.
    void save() {
        if (!given_.world->is_main()) return;
        save_run(state_.output_dir, given_.policy, critic(), given_.tokenizer);
        call([](run::trainer_callback& c, run::trainer_state& s) { c.on_save(s, s.output_dir); });
    }

    /// Writes OUTPUT_DIR/checkpoint-N, N the updates done, from which resume() goes on: policy and critic as Hugging
    /// Face folders, the state of all that learns or draws, trainer_state.json with the log's history, a manifest. It
    /// appears whole or not at all, and older ones above --save_total_limit are removed then.
    /// With --save_only_model it holds the models alone, and cannot be resumed.
    void save_checkpoint() {
        if (!given_.world->is_main()) return;
        prepare_output();
        tried_checkpoint_ = state_.update;
        run::new_checkpoint checkpoint(state_.output_dir, state_.update);
        if (auto const better = best_.better_at(state_)) {
            state_.best_metric = *better;
            state_.best_model_checkpoint = checkpoint.place();
        }
        save_run(checkpoint.path(), given_.policy, critic(), given_.tokenizer);
        if (!given_.config.save_only_model) {
            run::write_state(checkpoint.path(), [this](run::state_archive& archive) { visit_progress(archive); });
            io::write_file(checkpoint.path() / "identity.json", nlohmann::json(identity()).dump(2) + "\n");
        }
        io::write_file(checkpoint.path() / "trainer_state.json",
                       run::trainer_state_json(state_, history_).dump(2) + "\n");
        checkpoint.commit();
        last_checkpoint_ = state_.update;
        if (given_.config.save_total_limit)
            run::limit_checkpoints(state_.output_dir, *given_.config.save_total_limit, state_.best_model_checkpoint);
        call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_save(s, checkpoint.place()); });
    }

    /// Takes up a run where a checkpoint of it stands: train() then goes on as if it had never stopped, bit for bit on
    /// the CPU. May be called once, before train(). What must agree with the interrupted run: fields_kept_on_resume.
    /// Throws std::invalid_argument where the checkpoint is of another run, naming what differs, and std::runtime_error
    /// where it is damaged or holds the models alone.
    void resume(std::filesystem::path const& checkpoint) {
        if (auto const trouble = run::checkpoint_trouble(checkpoint, /*deep=*/true); !trouble.empty())
            throw std::runtime_error("the checkpoint " + checkpoint.string() + " " + trouble);
        if (!std::filesystem::exists(checkpoint / "state.json"))
            throw std::runtime_error("the checkpoint " + checkpoint.string() +
                                     " holds the models alone (--save_only_model): it can be the --sft_model_path of a "
                                     "new run, not resumed");
        try {
            check_identity(identity(), io::read_json(checkpoint / "identity.json").get<run_identity>(), checkpoint);
            run::state_folder saved(checkpoint);
            auto const fresh = cursor_;
            visit_progress(saved);
            saved.finish();
            if (given_.config.ignore_data_skip) cursor_ = fresh;  // the data begin anew
            history_ = run::log_history(io::read_json(checkpoint / "trainer_state.json"));
        } catch (nlohmann::json::exception const& error) {
            throw std::runtime_error("the checkpoint " + checkpoint.string() +
                                     " is damaged: " + io::json_trouble(error));
        }
        load_weights(checkpoint, given_.policy.parameters());
        if (given_.value_model) load_weights(checkpoint / "value_model", given_.value_model->parameters());
        last_checkpoint_ = state_.update;
    }

    /// Writes all that a run has learnt and where it stands, or reads it back: a trainer of the same arguments then
    /// goes on as if it had never stopped, bit for bit on the CPU. The reference and the reward do not learn.
    void visit_state(run::state_archive& archive) {
        visit_progress(archive);
        for (auto const& parameter : given_.policy.parameters())
            visit_tensor(archive, "policy/" + parameter.name, parameter.tensor);
        if (given_.value_model)
            for (auto const& parameter : given_.value_model->parameters())
                visit_tensor(archive, "value_model/" + parameter.name, parameter.tensor);
    }

    /// How far the run is.
    run::trainer_state const& state() const { return state_; }
    /// The sizes that the configuration comes to.
    run::batch_arithmetic const& sizes() const { return sizes_; }
    /// The model being trained.
    causal_lm const& policy() const { return given_.policy; }
    /// The algorithm, with what its parts have learnt.
    trainable const& algorithm() const { return algorithm_; }

   private:
    /// All of a run's state but the models' weights. Listeners are known by their types.
    void visit_progress(run::state_archive& archive) {
        archive.within("trainer", state_);
        archive.within("cursor", cursor_);
        archive("permutations", permutations_);
        archive.within("optimizer", *given_.optimizers.optimizer);
        archive.within("schedule", given_.optimizers.schedule);
        archive.within("algorithm", algorithm_);
        std::map<std::string, int> seen;
        for (auto const& callback : given_.callbacks) {
            std::string name = "callback/" + run::type_name(*callback);
            if (int const earlier = seen[name]++; earlier > 0) name += "_" + std::to_string(earlier + 1);
            if (!archive.is_reading() || archive.holds(name)) archive.within(name, *callback);
        }
    }
    /// The seconds that an update could not do without on this machine.
    double floor_of(episodes const& batch) const {
        update_work const work{.prompt_tokens = static_cast<double>(batch.query_mask.sum().item<std::int64_t>()),
                               .response_tokens = static_cast<double>(batch.sampled.sum().item<std::int64_t>()),
                               .ppo_epochs = static_cast<double>(given_.config.num_ppo_epochs)};
        return useful_flops({.policy = &given_.policy,
                             .reference = given_.ref_policy ? &*given_.ref_policy : nullptr,
                             .critic = critic(),
                             .rewards = models_behind(given_.reward_model)},
                            work) /
               measured_gemm_rate(given_.policy.lm_head.options().requires_grad(false));
    }
    std::string out_of_memory_remedy() const {
        return "out of memory with micro-batches of " + std::to_string(sizes_.local_micro_batch_size) +
               " episodes: lower --per_device_train_batch_size and raise --gradient_accumulation_steps by the same "
               "factor, or give --gradient_checkpointing or --auto_find_batch_size; "
               "--local_rollout_forward_batch_size bounds generation";
    }
    void empty_cache_when_due() const {
        auto const every = given_.config.torch_empty_cache_steps;
        if (every && state_.update % *every == 0) empty_device_cache(given_.policy.lm_head.device());
    }
    run_identity const& identity() {
        if (identity_.empty())
            identity_ = identity_of(given_.config, algorithm_, given_.train_dataset, given_.ref_policy);
        return identity_;
    }
    void load_best() {
        state_.holds_best = true;
        load_weights(state_.best_model_checkpoint, given_.policy.parameters());
        if (given_.value_model)
            load_weights(state_.best_model_checkpoint / "value_model", given_.value_model->parameters());
    }
    void prepare_output() const {
        if (!given_.world->is_main()) return;
        std::error_code error;
        std::filesystem::create_directories(state_.output_dir, error);
        if (error || ::access(state_.output_dir.c_str(), W_OK) != 0)
            throw std::runtime_error("output_dir " + state_.output_dir.string() +
                                     " cannot be written: choose another folder, or change its permissions");
    }
    static void check_models(rollout<libtorch::field> const& recorded) {
        for (auto const& found : {row_not_finite("log-probs of the policy", recorded.logprobs, recorded.mask),
                                  row_not_finite("values of the critic", recorded.values, recorded.value_mask)})
            if (!found.empty())
                throw diverged_error(found + ": its weights have diverged and are not saved; lower --learning_rate");
    }
    /// Throws where a step has made weights of no number of them: nothing to keep.
    void check_finite() const {
        auto const look = [](auto const& model, std::string const& whose) {
            for (auto const& parameter : model.parameters())
                if (!at::isfinite(parameter.tensor.detach()).all().template item<bool>())
                    throw std::runtime_error("the " + whose + "'s weights are no longer finite (" + parameter.name +
                                             "): lower --learning_rate");
        };
        look(given_.policy, "policy");
        if (given_.value_model) look(*given_.value_model, "value model");
    }
    /// Saves what an error would lose. Throws where that fails too.
    void end_after(std::exception const& error) {
        std::string trouble;
        try {
            bool const has_diverged = dynamic_cast<diverged_error const*>(&error) != nullptr;
            if (state_.optimizer_steps > 0 && !has_diverged) {
                check_finite();
                save();
                if (is_between_updates_ && given_.config.save_strategy != "no" &&
                    std::max(last_checkpoint_, tried_checkpoint_) != state_.update)
                    save_checkpoint();
            }
        } catch (std::exception const& second) {
            trouble = second.what();
        }
        try {
            announce(&run::trainer_callback::on_train_end);
        } catch (std::exception const&) {  // the first error is the one to tell
        }
        if (!trouble.empty())
            throw std::runtime_error(std::string(error.what()) +
                                     "; and the models as of the last step could not be saved: " + trouble);
    }
    static std::vector<std::int64_t> lengths_of(text::prompt_dataset const& data) {
        std::vector<std::int64_t> lengths;
        for (auto const& prompt : data.prompts) lengths.push_back(std::ssize(prompt));
        return lengths;
    }
    static double scaled_temperature(double temperature) { return temperature + 1e-7; }  // TRL's guard against 0
    static bool is_whole(double x) { return x == std::floor(x); }
    sequence_classifier const* critic() const { return given_.value_model ? &*given_.value_model : nullptr; }
    sampling sampling_at(double temperature) const {
        return {.temperature = scaled_temperature(temperature),
                .max_new_tokens = given_.config.response_length,
                .stop_token = roles_.stop,
                .pad_token = roles_.pad};
    }
    completions sampled(prompt_list const& prompts, double temperature, char const* purpose, std::int64_t first = 0) {
        auto const sampler_from = [&](std::int64_t row) {
            return multinomial_sampler{stream(purpose), static_cast<std::uint64_t>(first + row)};
        };
        return generate_in_chunks(given_.policy, prompts, sampling_at(temperature), sampler_from,
                                  given_.config.local_rollout_forward_batch_size, on_token());
    }
    generation_callback on_token() {
        return [this](std::int64_t, std::int64_t) { announce(&run::trainer_callback::on_prediction_step); };
    }
    std::vector<sample> answer_evaluation(std::int64_t most, double temperature) {
        auto const& data = given_.eval_dataset;
        auto const count = std::min<std::ptrdiff_t>(std::ssize(data.prompts), most);
        if (count == 0) return {};
        auto const records = std::min<std::ptrdiff_t>(std::ssize(data.records), count);
        return answer({data.prompts.begin(), data.prompts.begin() + count}, temperature,
                      {data.records.begin(), data.records.begin() + records});
    }
    std::uint64_t stream(std::string_view purpose) const { return run::stream_seed(given_.config.seed, purpose); }
    update_plan plan(double learning_rate) {
        auto const event = [this](auto method) {
            return [this, method](optimizer_step& step) {
                if (step.decision == verdict::take && !step.is_empty()) announce(method);
            };
        };
        return {.ppo_epochs = given_.config.num_ppo_epochs,
                .mini_batch_size = sizes_.local_mini_batch_size,
                .micro_batch_size = sizes_.local_micro_batch_size,
                .temperature = scaled_temperature(given_.config.temperature),
                .learning_rate = learning_rate,
                .pad = roles_.pad,
                .logits_rows = logits_rows(given_.config.logits_memory_mb, given_.policy.lm_head),
                .permutation =
                    [this](std::int64_t) {
                        return at::tensor(run::random_permutation(sizes_.local_batch_size, permutations_), at::kLong);
                    },
                .stages = stock_pipeline(
                    algorithm_, *given_.world, given_.config.max_grad_norm,
                    event(&run::trainer_callback::on_pre_optimizer_step),
                    [this, told = event(&run::trainer_callback::on_optimizer_step)](optimizer_step& step) {
                        state_.optimizer_steps += step.taken;
                        told(step);
                    }),
                .on_substep_end = [this] { announce(&run::trainer_callback::on_substep_end); }};
    }

    /// The table that TRL's scripts end with: all evaluation prompts.
    void sample_all() {
        auto const table = sample_completions(std::ssize(given_.eval_dataset.prompts));
        call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_completions(s, table); });
    }
    /// TRL's tables of samples.
    void request_samples() {
        state_.should_sample = sizes_.sample_generations_freq > 0 &&
                               (state_.update - 1) % sizes_.sample_generations_freq == 0 &&
                               !given_.eval_dataset.prompts.empty();
    }
    /// Whether any process asks for an end.
    bool stop_is_asked() {
        at::Tensor request = at::scalar_tensor(state_.should_stop ? 1.0 : 0.0, at::kDouble);
        given_.world->all_reduce_max(request);
        return request.item<double>() > 0.0;
    }
    /// The one place where requests are obeyed: on all processes alike, whoever asked.
    void obey(run::metrics const& logged) {
        at::Tensor requests =
            at::tensor({static_cast<double>(state_.should_log), static_cast<double>(state_.should_sample),
                        static_cast<double>(state_.should_evaluate), static_cast<double>(state_.should_save)},
                       at::kDouble);
        given_.world->all_reduce_max(requests);
        auto const asked = [&](std::int64_t i) { return requests[i].item<double>() > 0.0; };
        state_.should_log = state_.should_sample = state_.should_evaluate = state_.should_save = false;
        if (asked(0)) {
            history_.add(state_, logged);
            call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_log(s, logged); });
        }
        if (asked(1)) {
            auto const table = sample_completions();
            call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_completions(s, table); });
        }
        if (asked(2)) {
            auto const measured = evaluate();
            history_.add(state_, measured);
            best_.saw(state_, measured);
            if (auto const* const value = best_.watched().find(measured)) given_.optimizers.schedule.observe(*value);
            call([&](run::trainer_callback& c, run::trainer_state& st) { c.on_evaluate(st, measured); });
        }
        if (asked(3)) save_checkpoint();
    }
    template <class F>
    void call(F const& f) {
        if (given_.world->is_main())
            for (auto const& callback : given_.callbacks) f(*callback, state_);
    }
    void announce(void (run::trainer_callback::*event)(run::trainer_state&)) {
        call([event](run::trainer_callback& c, run::trainer_state& s) { (c.*event)(s); });
    }

    trainable algorithm_;
    ppo_trainer_arguments given_;
    token_roles roles_;
    std::int64_t group_size_;
    run::batch_arithmetic sizes_;
    run::prompt_cursor cursor_;
    std::mt19937_64 permutations_;
    run::trainer_state state_;
    run::best_model best_;
    std::int64_t last_checkpoint_ = -1;   // the update of the last checkpoint
    std::int64_t tried_checkpoint_ = -1;  // the update of the last one that was begun
    bool is_between_updates_ = true;
    run::log_history history_;
    run_identity identity_;
};

}  // namespace proximal::lm
