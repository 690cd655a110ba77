// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/lm/distributed/gather_rows.hpp>
#include <proximal/lm/distributed/parameter_unit.hpp>
#include <proximal/lm/distributed/sharded_backbone.hpp>
#include <proximal/lm/generation/generate_in_chunks.hpp>
#include <proximal/lm/generation/greedy_sampler.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/model/hosted_parameters.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/model/mixed_precision_backbone.hpp>
#include <proximal/lm/model/recomputing_backbone.hpp>
#include <proximal/lm/reward/hosted_reward.hpp>
#include <proximal/lm/train/answer.hpp>
#include <proximal/lm/train/check_arguments.hpp>
#include <proximal/lm/train/checkpoint.hpp>
#include <proximal/lm/train/gather_batch.hpp>
#include <proximal/lm/train/loss_scaler.hpp>
#include <proximal/lm/train/measure.hpp>
#include <proximal/lm/train/measure_answers.hpp>
#include <proximal/lm/train/out_of_memory.hpp>
#include <proximal/lm/train/save_with_tokenizer.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/lm/train/set_precision.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/lm/train/trainer.hpp>
#include <proximal/lm/train/update.hpp>
#include <proximal/lm/train/useful_flops.hpp>
#include <proximal/run/batch_arithmetic.hpp>
#include <proximal/run/check_evaluation.hpp>
#include <proximal/run/peak_memory.hpp>
#include <proximal/run/prompt_cursor.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/run/stopwatch.hpp>
#include <proximal/run/trainer_state.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
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
/// With --bf16 or --fp16 policy, reference and critic multiply matrices in that dtype (see mixed_precision_backbone);
/// weights, gradients, heads and the reward model stay as they are.
/// Several processes (a communicator in the arguments) share one batch: each samples and scores its own episodes, all
/// judge the whole batch, and each trains on its share of every mini-batch, so that how many there are changes no more
/// than last bits; with --batch_scope process each judges and cuts its own episodes, as in TRL.
/// Of policy and critic those parameters learn that require a gradient; where none of a model's does, all do.
/// Throws std::invalid_argument, one sentence, where the arguments do not fit together.
class ppo_trainer final : public trainer {
   public:
    ppo_trainer(trainable algorithm, ppo_trainer_arguments given)
        : trainer(given.config, given.callbacks, given.world),
          algorithm_(std::move(algorithm)),
          given_(std::move(given)),
          roles_(roles_of(given_.config, given_.tokenizer)),
          group_size_(algorithm_.group_size()),
          sizes_(run::divide_batches(given_.config, static_cast<std::int64_t>(given_.train_dataset.prompts.size()),
                                     world_->world_size(), group_size_)),
          cursor_(static_cast<std::int64_t>(given_.train_dataset.prompts.size()), sizes_.batch_size / group_size_,
                  run::stream_seed(given_.config.data_seed.value_or(given_.config.seed), "data"),
                  given_.config.group_by_length ? lengths_of(given_.train_dataset) : std::vector<std::int64_t>()),
          permutations_(stream("permutation")) {
        algorithm_.check();
        check_agreement(given_.config, algorithm_);
        check_steps(given_.config, algorithm_);
        check_arguments(given_, algorithm_.needs_reference(), algorithm_.needs_critic());
        if (!algorithm_.needs_reference()) given_.ref_policy.reset();
        if (!algorithm_.needs_critic()) given_.value_model.reset();
        set_precision(given_.config, given_.policy.lm_head.options());
        if (given_.config.cuda_graphs) refuse_graphs_on_cpu(given_.policy.lm_head.device());
        if (given_.config.offload_reference || given_.config.offload_reward) offload();
        refuse_new_batch_size(given_.config, *world_);
        if (world_->world_size() > 1 && given_.config.sharding == "zero3") shard_layers();
        if (given_.config.gradient_checkpointing) {
            given_.policy.body = std::make_shared<recomputing_backbone>(given_.policy.body);
            if (given_.value_model)
                given_.value_model->body = std::make_shared<recomputing_backbone>(given_.value_model->body);
        }
        if (auto const dtype = compute_dtype(given_.config)) {
            auto const narrow = [&](auto& model) {
                model.body = std::make_shared<mixed_precision_backbone>(model.body, *dtype);
            };
            narrow(given_.policy);
            if (given_.ref_policy) narrow(*given_.ref_policy);
            if (given_.value_model) narrow(*given_.value_model);
        }
        begin_training(given_.policy);
        if (given_.ref_policy) set_requires_grad(*given_.ref_policy, false);
        if (given_.value_model) begin_training(*given_.value_model);
        if (!given_.optimizers.optimizer) given_.optimizers.optimizer = configured_optimizer(given_, units());
        else check_own_optimizer(*given_.optimizers.optimizer, learning_parameters(given_), given_.config);
        if (!given_.optimizers.schedule)
            given_.optimizers.schedule = run::configured_schedule(given_.config, sizes_.num_total_batches);
        state_.updates = sizes_.num_total_batches;
        run::check_evaluation(given_.config, !given_.eval_dataset.prompts.empty(), state_.updates);
        check_watched_metric(evaluated_metrics(given_.ref_policy.has_value()));
        check_same_run();
        announce(&run::trainer_callback::on_init_end);
    }

    /// One update, from prompts to metrics.
    run::metrics step() override {
        run::stopwatch watch;
        prompt_batch const prompts = next();
        completions const samples = generate(prompts.prompts);
        double const generating = watch.lap();
        episodes batch = assemble(left_padded(prompts.prompts, roles_.pad), samples, roles_);
        scored_rollout scored = score(batch, samples.logprobs, prompts.records);
        if (algorithm_.needs_baseline())
            scored.recorded.baseline_scores = greedy_scores(prompts, scored.recorded.logprobs.tensor.options());
        if (shares_batch()) {
            batch = gather_episodes(batch, roles_.pad, *world_);
            scored = gather_rollout(scored, *world_);
        }
        evaluation const evaluated = judge(scored.recorded);
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
        for (auto const& [name, value] : measure(scored, evaluated, batch, roles_, statistics, *world_))
            logged.set(name, value);
        if (algorithm_.is_guarded()) {
            logged.set("policy/steps_skipped", static_cast<double>(statistics.skipped_steps));
            logged.set("policy/update_stopped", statistics.stopped ? 1.0 : 0.0);
        }
        if (given_.config.fp16) {
            logged.set("precision/loss_scale", scaler_.scale);
            logged.set("precision/steps_skipped", static_cast<double>(statistics.overflowed_steps));
        }
        for (auto const& [name, value] : evaluated.reported) logged.set(name, value);
        logged.set("lr", learning_rate);
        logged.set("episode", static_cast<double>(state_.episode));
        logged.set("epoch", state_.epoch);
        logged.set("time/generate", generating);
        logged.set("time/score", scoring);
        logged.set("time/update", updating);
        logged.set("memory/peak_mb", run::peak_memory_mb());
        double const processes = shares_batch() ? static_cast<double>(world_->world_size()) : 1.0;
        logged.set("compute/of_gemm_peak", floor_of(batch) / processes / (generating + scoring + updating));
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
        auto const first = static_cast<std::size_t>(world_->rank() * own);
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
        auto const first = state_.episode + world_->rank() * sizes_.local_batch_size;
        return sampled(prompts, given_.config.temperature, "sampling", first);
    }

    /// Asks reference, critic and reward, as far as the algorithm reads them; the policy too, where it reads what
    /// sampled.
    scored_rollout score(episodes const& batch, at::Tensor const& logprobs,
                         std::vector<nlohmann::json> const& records = {}) const {
        held_on_device const held(reference_on_host_);
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
        whole_parameters const held(policy_units_);
        auto const drawn = generate_in_chunks(
            given_.policy, prompts.prompts, sampling_at(1.0), [](std::int64_t) { return greedy_sampler{}; },
            given_.config.local_rollout_forward_batch_size, on_token());
        episodes const batch = assemble(left_padded(prompts.prompts, roles_.pad), drawn, roles_);
        return lm::score({.reward = &given_.reward_model, .group_size = group_size_}, batch, drawn.logprobs.to(options),
                         roles_.pad, {&given_.tokenizer, &prompts.records})
            .recorded.scores.tensor;
    }

    /// What the policy answers now. The draws are the same at every call. Several processes share the prompts out, and
    /// each gets all answers.
    std::vector<sample> answer(prompt_list const& prompts, double temperature,
                               std::vector<nlohmann::json> const& records = {}) {
        auto const [own, own_records, first] = own_share(prompts, records);
        auto const samples = score_answers(sampled(own, temperature, "evaluation", first), given_.tokenizer,
                                           given_.reward_model, own, own_records, roles_);
        return is_shared_out(std::ssize(prompts), *world_) ? gather_samples(samples, *world_) : samples;
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
    run::metrics evaluate() override {
        auto const& prompts = given_.eval_dataset.prompts;
        if (prompts.empty()) throw std::runtime_error("there are no evaluation prompts to evaluate");
        auto const [own, records, first] = own_share(prompts, given_.eval_dataset.records);
        completions const drawn = sampled(own, given_.config.temperature, "evaluation", first);
        whole_parameters const held(reference_units_);  // the processes may ask in different numbers of chunks
        held_on_device const on_device(reference_on_host_);
        episodes batch = assemble(left_padded(own, roles_.pad), drawn, roles_);
        scored_rollout scored = lm::score({.reference = given_.ref_policy ? &*given_.ref_policy : nullptr,
                                           .reward = &given_.reward_model,
                                           .temperature = scaled_temperature(given_.config.temperature),
                                           .chunk = given_.config.local_rollout_forward_batch_size},
                                          batch, drawn.logprobs, roles_.pad, {&given_.tokenizer, &records});
        if (is_shared_out(std::ssize(prompts), *world_)) {
            batch = gather_episodes(batch, roles_.pad, *world_);
            scored = gather_rollout(scored, *world_);
        }
        return measure_answers(scored, batch);
    }

    /// The sizes that the configuration comes to.
    run::batch_arithmetic const& sizes() const { return sizes_; }
    /// The model being trained. With --sharding zero3 its layers' weights are there only while somebody holds units().
    causal_lm const& policy() const { return given_.policy; }
    /// The algorithm, with what its parts have learnt.
    trainable const& algorithm() const { return algorithm_; }

   private:
    /// Whether the processes train on one batch, which each of them holds and judges whole: --batch_scope.
    bool shares_batch() const { return given_.config.batch_scope == "world"; }
    /// The rows of a batch that this process judges, and trains on alone or with all others.
    std::int64_t rows_in_scope() const { return shares_batch() ? sizes_.batch_size : sizes_.local_batch_size; }
    /// Prompts that this process answers, with the data's lines, and the number of the first.
    struct prompt_share {
        prompt_list prompts;
        std::vector<nlohmann::json> records;
        std::int64_t first;
    };
    prompt_share own_share(prompt_list const& prompts, std::vector<nlohmann::json> const& records) const {
        auto const [first, count] = share_of(std::ssize(prompts), *world_);
        auto const cut = [&, first = first, count = count](auto const& all) {
            return all.empty() ? all : std::decay_t<decltype(all)>(all.begin() + first, all.begin() + first + count);
        };
        return {cut(prompts), cut(records), first};
    }
    /// Leaves reference and reward model in the host's memory, but while they are asked.
    void offload() {
        auto const refuse = [](std::string const& why) { throw std::invalid_argument(why); };
        known_identity();
        auto const device = given_.policy.lm_head.device();
        if (given_.config.offload_reference) {
            refuse_offload_from_cpu("offload_reference", device);
            if (!given_.ref_policy) refuse("--offload_reference would do nothing: the algorithm reads no reference");
            if (world_->world_size() > 1 && given_.config.sharding == "zero3")
                refuse(
                    "--offload_reference and --sharding zero3 exclude each other: zero3 splits the reference already");
            refuse_shared("reference", given_.ref_policy->parameters());
            reference_on_host_ = std::make_shared<hosted_parameters>(given_.ref_policy->parameters());
        }
        if (!given_.config.offload_reward) return;
        refuse_offload_from_cpu("offload_reward", device);
        std::vector<named_tensor> parameters;
        for (auto const& model : models_behind(given_.reward_model))
            for (auto const& parameter : model.parameters()) parameters.push_back(parameter);
        if (parameters.empty())
            refuse("--offload_reward would do nothing: the reward is no model_reward that the trainer can see");
        refuse_shared("reward", parameters);
        given_.reward_model = hosted_reward(given_.reward_model, parameters);
    }
    /// Throws where a model that is to leave the device shares a tensor with one that stays, or left before it.
    void refuse_shared(std::string const& model, std::vector<named_tensor> const& leaving) const {
        std::vector<named_tensor> others = given_.policy.parameters();
        auto const add = [&](std::vector<named_tensor> const& more) {
            others.insert(others.end(), more.begin(), more.end());
        };
        if (given_.value_model) add(given_.value_model->parameters());
        if (given_.ref_policy && model != "reference") add(given_.ref_policy->parameters());
        for (auto const& one : leaving)
            for (auto const& other : others)
                if (one.tensor.is_same(other.tensor))
                    throw std::invalid_argument("--offload_" + model + ": the " + model + " model shares " + one.name +
                                                " with another model: give it a model of its own, clone(...)");
    }
    /// Leaves each process a slice of the layers of policy, critic and reference.
    void shard_layers() {
        known_identity();
        auto const shard = [&](auto& model, parameter_units& units) {
            auto const sharded = std::make_shared<sharded_backbone>(model.body, world_);
            model.body = sharded;
            units = sharded->units();
        };
        shard(given_.policy, policy_units_);
        if (given_.value_model) shard(*given_.value_model, critic_units_);
        if (given_.ref_policy) shard(*given_.ref_policy, reference_units_);
    }
    std::vector<trained_model> models() const override {
        std::vector<trained_model> all{{"policy", "", given_.policy.parameters(), policy_units_}};
        if (given_.value_model)
            all.push_back({"value_model", "value_model", given_.value_model->parameters(), critic_units_});
        return all;
    }
    /// Departure: TRL saves the policy alone; the critic is lost there.
    void save_model(trained_model const& model, std::filesystem::path const& folder) const override {
        if (model.name == "policy") save_with_tokenizer(given_.policy, folder, given_.tokenizer);
        else save_with_tokenizer(*critic(), folder, given_.tokenizer);
    }
    optimizer& moves() override { return *given_.optimizers.optimizer; }
    void visit_learning(run::state_archive& archive) override {
        auto const fresh = cursor_;
        archive.within("cursor", cursor_);
        if (archive.is_reading() && given_.config.ignore_data_skip) cursor_ = fresh;  // the data begin anew
        archive("permutations", permutations_);
        archive.within("schedule", given_.optimizers.schedule);
        archive.within("algorithm", algorithm_);
        if (!archive.is_reading() || archive.holds("loss_scaler")) archive.within("loss_scaler", scaler_);
    }
    run_identity identity() override {
        auto identity = identity_of(given_.config, algorithm_, given_.train_dataset, given_.ref_policy);
        identity[rows_of_a_step] = std::to_string(sizes_.mini_batch_size);
        if (!shares_batch()) identity["the number of processes"] = std::to_string(world_->world_size());
        return identity;
    }
    void observe(double metric) override { given_.optimizers.schedule.observe(metric); }
    /// TRL's tables of samples.
    bool samples_are_due() const override {
        return sizes_.sample_generations_freq > 0 && (state_.update - 1) % sizes_.sample_generations_freq == 0 &&
               !given_.eval_dataset.prompts.empty();
    }
    run::completions_table sample_table() override { return sample_completions(); }
    /// The table that TRL's scripts end with: all evaluation prompts.
    run::completions_table last_table() override {
        bool const has_tables = sizes_.sample_generations_freq > 0 && !given_.eval_dataset.prompts.empty();
        return has_tables ? sample_completions(std::ssize(given_.eval_dataset.prompts)) : run::completions_table{};
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
               measured_gemm_rate(given_.policy.lm_head.options()
                                      .dtype(compute_dtype(given_.config).value_or(given_.policy.lm_head.scalar_type()))
                                      .requires_grad(false));
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
    /// The rollout as the algorithm judges it. Where that is not finite, the reason is looked for, in the models first.
    evaluation judge(rollout<libtorch::field> const& recorded) {
        trainable const before = algorithm_;
        auto const check_models = [&] {
            auto const found = first_row_not_finite({{"log-probs of the policy", recorded.logprobs, recorded.mask},
                                                     {"values of the critic", recorded.values, recorded.value_mask}});
            if (!found.empty())
                throw diverged_error(found + ": its weights have diverged and are not saved; lower --learning_rate");
        };
        evaluation evaluated;
        try {
            evaluated = algorithm_.evaluate(recorded);
        } catch (std::exception const&) {
            check_models();
            throw;
        }
        if (array_not_finite(evaluated.judged).empty()) return evaluated;
        check_models();
        algorithm_ = before;  // nothing is learnt from it
        throw non_finite_error(algorithm_.first_non_finite(recorded));
    }
    static std::vector<std::int64_t> lengths_of(text::prompt_dataset const& data) {
        std::vector<std::int64_t> lengths;
        for (auto const& prompt : data.prompts) lengths.push_back(std::ssize(prompt));
        return lengths;
    }
    static double scaled_temperature(double temperature) { return temperature + 1e-7; }  // TRL's guard against 0
    loss_scaler* scaler() { return given_.config.fp16 ? &scaler_ : nullptr; }
    sequence_classifier const* critic() const { return given_.value_model ? &*given_.value_model : nullptr; }
    sampling sampling_at(double temperature) const {
        return {.temperature = scaled_temperature(temperature),
                .max_new_tokens = given_.config.response_length,
                .stop_token = roles_.stop,
                .pad_token = roles_.pad,
                .graphs = given_.config.cuda_graphs};
    }
    completions sampled(prompt_list const& prompts, double temperature, char const* purpose, std::int64_t first = 0) {
        whole_parameters const held(policy_units_);  // the processes end at different tokens
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
        return {
            .ppo_epochs = given_.config.num_ppo_epochs,
            .mini_batch_size = shares_batch() ? sizes_.mini_batch_size : sizes_.local_mini_batch_size,
            .micro_batch_size = sizes_.local_micro_batch_size,
            .temperature = scaled_temperature(given_.config.temperature),
            .learning_rate = learning_rate,
            .pad = roles_.pad,
            .logits_rows = logits_rows(given_.config.logits_memory_mb, given_.policy.lm_head),
            .permutation =
                [this](std::int64_t) {
                    return at::tensor(run::random_permutation(rows_in_scope(), permutations_), at::kLong);
                },
            .stages = stock_pipeline(
                algorithm_, *world_, given_.config.max_grad_norm, event(&run::trainer_callback::on_pre_optimizer_step),
                [this, told = event(&run::trainer_callback::on_optimizer_step)](optimizer_step& step) {
                    state_.optimizer_steps += step.taken;
                    told(step);
                },
                scaler()),
            .on_substep_end = [this] { announce(&run::trainer_callback::on_substep_end); },
            .scaler = scaler(),
            .every_pass = !policy_units_.empty(),
            .share = shares_batch() ? batch_share{world_->rank(), world_->world_size()} : batch_share{}};
    }

    trainable algorithm_;
    ppo_trainer_arguments given_;
    parameter_units policy_units_, critic_units_, reference_units_;  // of layers that are shared out
    std::shared_ptr<hosted_parameters> reference_on_host_;           // with --offload_reference
    token_roles roles_;
    std::int64_t group_size_;
    run::batch_arithmetic sizes_;
    run::prompt_cursor cursor_;
    std::mt19937_64 permutations_;
    loss_scaler scaler_;
};

}  // namespace proximal::lm
