// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/stop_signal.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/check_padding.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/reward/shift_reward.hpp>
#include <proximal/lm/train/command_line.hpp>
#include <proximal/lm/train/demonstration_objective.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/lm/train/preference_objective.hpp>
#include <proximal/lm/train/run_inputs.hpp>
#include <proximal/lm/train/supervised_trainer.hpp>
#include <proximal/run/claimed_run.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/stock_listeners.hpp>
#include <proximal/run/stopwatch.hpp>
#include <proximal/text/bpe_trainer.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../algorithms/algorithm_named.hpp"
#include "../quickstart/load_or_make_corpus.hpp"
#include "../quickstart/make_models.hpp"
#include "gold_pairs.hpp"
#include "gold_rule.hpp"
#include "miniature_options.hpp"

namespace tldr {

namespace px = proximal;

/// A stage's folder; it is done where done.json, its last file, is there.
struct stage {
    std::filesystem::path folder;
    bool is_done() const { return std::filesystem::exists(folder / "done.json"); }
    nlohmann::json result() const { return px::io::read_json(folder / "done.json"); }
    void finish(nlohmann::json const& result) const { px::io::write_file(folder / "done.json", result.dump(2) + "\n"); }
};

/// What all stages read: the texts, those short enough, and the gold rule.
struct material {
    px::quickstart::corpus texts;
    px::quickstart::synopsis_rule gold;
    std::filesystem::path tokenizer;
    px::text::tokenizer words;
};

/// The examples whose tokens fit, as texts.
inline std::vector<px::quickstart::example> fitting(std::vector<px::quickstart::example> const& examples,
                                                    px::text::tokenizer const& words,
                                                    miniature_options const& options) {
    std::vector<px::quickstart::example> kept;
    for (auto const& e : examples)
        if (std::ssize(words.encode(e.prompt)) <= options.max_prompt_length &&
            std::ssize(words.encode(e.completion)) < options.response_length)
            kept.push_back(e);
    return kept;
}

/// Refuses to go on in a folder whose stages were made with other options: std::runtime_error with what differs. More
/// seeds, other algorithms and other judgements may be added.
inline void check_options(miniature_options const& options) {
    auto const file = std::filesystem::path(options.output_dir) / "options.json";
    auto now = px::run::to_json_object(options);
    for (auto const* const free : {"output_dir", "algorithm", "seeds", "first_seed", "judged", "others"})
        now.erase(free);
    if (!std::filesystem::exists(file)) {
        std::filesystem::create_directories(options.output_dir);
        return px::io::write_file(file, now.dump(2) + "\n");
    }
    auto const then = px::io::read_json(file);
    for (auto const& [name, value] : now.items())
        if (auto const before = then.value(name, nlohmann::json()); before != value)
            throw std::runtime_error(
                fmt::format("{} was made with --{} {}, and now it is {}: give another --output_dir", options.output_dir,
                            name, before.dump(), value.dump()));
}

/// Texts and vocabulary.
inline material prepare(miniature_options const& options) {
    check_options(options);
    auto const folder = std::filesystem::path(options.output_dir) / "tokenizer";
    auto texts = px::quickstart::load_or_make_corpus(px::quickstart::cache_folder());
    px::quickstart::synopsis_rule gold(texts);
    if (!std::filesystem::exists(folder / "tokenizer.json")) {
        std::filesystem::create_directories(folder);
        std::vector<std::string> lines;
        for (auto const& e : texts.train) lines.push_back(e.prompt + e.completion);
        px::text::train_bpe(lines, {.vocabulary_size = static_cast<std::size_t>(options.vocabulary)}).save(folder);
    }
    auto words = px::text::tokenizer::load(folder);
    for (auto* part : {&texts.train, &texts.validation, &texts.test}) *part = fitting(*part, words, options);
    fmt::print("text       {}\n           {} examples to train on, {} to evaluate, {} to judge; gold: a known rule\n",
               texts.origin, texts.train.size(), texts.validation.size(), texts.test.size());
    return {std::move(texts), std::move(gold), folder, std::move(words)};
}

/// What the supervised stages share.
inline px::run::training_options training(std::filesystem::path const& folder, std::int64_t steps) {
    px::run::training_options config;
    config.output_dir = folder.string();
    config.max_steps = steps;
    config.max_grad_norm = 1.0;
    config.lr_scheduler_type = "cosine_with_min_lr";
    config.lr_scheduler_kwargs = R"({"min_lr_rate": 0.05})";
    config.adam_beta2 = 0.95;
    config.per_device_eval_batch_size = 64;
    config.num_sample_generations = 0;
    config.eval_strategy = "steps";
    config.eval_steps = std::max<double>(1.0, static_cast<double>(steps / 4));
    config.save_steps = *config.eval_steps;
    config.save_total_limit = 1;
    config.report_to = "none";
    config.resume_from_checkpoint = "auto";
    config.seed = 1;
    return config;
}

/// Trains in the stage's folder, going on where an interrupted run of it stands.
template <class Trainer, class Config>
void train_stage(Trainer& trainer, Config& config, px::run::planned_run const& planned, char const* record_name) {
    if (planned.checkpoint) trainer.resume(*planned.checkpoint);
    if (!planned.checkpoint) config.overwrite_output_dir = true;  // an unfinished stage begins anew
    px::run::claimed_run const claimed(config, planned, record_name, px::run::to_json_object(config));
    px::io::stop_signals const signals;
    trainer.train();
}

inline std::vector<px::lm::demonstration> demonstrations(std::vector<px::quickstart::example> const& examples,
                                                         px::text::tokenizer const& words) {
    std::vector<px::lm::demonstration> rows;
    for (auto const& e : examples) {
        rows.push_back({words.encode(e.prompt), words.encode(e.completion)});
        rows.back().completion.push_back(*words.eos_token_id());
    }
    return rows;
}

/// Supervised fine-tuning of a small GPT-NeoX from nothing: `sft`.
inline stage fine_tuned(material const& from, miniature_options const& options) {
    stage const sft{std::filesystem::path(options.output_dir) / "sft"};
    if (sft.is_done()) return sft;
    px::run::stopwatch const clock;
    auto shape = px::quickstart::small_gpt_neox(*from.words.eos_token_id(), *from.words.pad_token_id(),
                                                static_cast<std::int64_t>(from.words.size()));
    shape["hidden_size"] = options.hidden_size;
    shape["num_attention_heads"] = options.hidden_size / 64;
    shape["intermediate_size"] = 4 * options.hidden_size;
    auto config = training(sft.folder, options.sft_steps);
    config.per_device_train_batch_size = 32;
    config.learning_rate = 1.5e-3;
    config.weight_decay = 0.1;
    config.warmup_steps = std::min<std::int64_t>(40, options.sft_steps / 4);
    auto const objective = std::make_shared<px::lm::demonstration_objective>(
        px::lm::make_causal_lm(shape, 1), from.words, demonstrations(from.texts.train, from.words),
        demonstrations(from.texts.validation, from.words), 0.3,
        px::lm::written_evaluation{.rows = 128, .max_new_tokens = options.response_length, .temperature = 0.7});
    auto const planned = px::run::plan_run(config);
    px::lm::supervised_trainer trainer(
        {.config = config,
         .objective = objective,
         .group_by_length = false,
         .callbacks = px::run::training_listeners(config, {"loss", "loss/completion", "grad_norm", "learning_rate"})});
    fmt::print("\nsft        GPT-NeoX, 4 layers of {}; {} updates of 32 examples\n", options.hidden_size,
               options.sft_steps);
    train_stage(trainer, config, planned, "config_sft.json");
    auto const measured = trainer.evaluate();
    sft.finish({{"nats_per_token", *measured.find("eval/loss/completion")},
                {"rouge_l", *measured.find("eval/rouge_l")},
                {"eos_rate", *measured.find("eval/eos_rate")},
                {"seconds", clock.total()}});
    return sft;
}

/// Pairs of the fine-tuned model's samples, labelled by the gold rule, as JSON lines; what they are made of is kept.
inline std::vector<labelled_pair> pairs_of(material const& from, stage const& sft, miniature_options const& options,
                                           bool validation) {
    auto const file =
        std::filesystem::path(options.output_dir) / "pairs" / (validation ? "validation.jsonl" : "train.jsonl");
    if (!std::filesystem::exists(file)) {
        std::filesystem::create_directories(file.parent_path());
        auto examples = validation ? from.texts.validation : from.texts.train;
        auto const most = static_cast<std::size_t>(validation ? options.pair_prompts / 10 : options.pair_prompts);
        examples.resize(std::min(examples.size(), most));
        std::vector<std::string> prompts;
        for (auto const& e : examples) prompts.push_back(e.prompt);
        auto const model = px::lm::load_causal_lm(sft.folder);
        auto const draw = [&](std::uint64_t seed) {
            return sampled_texts(model, from.words, prompts, 0.7, options.response_length, seed,
                                 validation ? "sampling (held out)" : "sampling");
        };
        auto const first = draw(validation ? 13 : 11), second = draw(validation ? 14 : 12);
        std::string lines;
        for (auto const& pair : gold_pairs(examples, first, second, from.gold, 1))
            lines +=
                nlohmann::json{
                    {"prompt", pair.prompt}, {"chosen", pair.chosen}, {"rejected", pair.rejected}, {"kind", pair.kind}}
                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                "\n";
        px::io::write_file(file, lines);
    }
    std::vector<labelled_pair> pairs;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        auto const j = nlohmann::json::parse(line);
        pairs.push_back({j.at("prompt"), j.at("chosen"), j.at("rejected"), j.at("kind")});
    }
    return pairs;
}

inline std::vector<px::lm::preference> preferences(std::vector<labelled_pair> const& pairs,
                                                   px::text::tokenizer const& words, std::int64_t response_length) {
    std::vector<px::lm::preference> rows;
    auto const answer = [&](std::string const& text) {
        auto ids = words.encode(text);
        ids.push_back(*words.eos_token_id());
        ids.resize(std::min(ids.size(), static_cast<std::size_t>(response_length)));
        return ids;
    };
    for (auto const& pair : pairs) {
        px::lm::preference row{words.encode(pair.prompt), answer(pair.chosen), answer(pair.rejected)};
        if (row.chosen != row.rejected) rows.push_back(std::move(row));
    }
    return rows;
}

/// The reward model, which learns the gold rule's labels and not the rule: `reward`. Its head begins as N+ has it; at
/// the end real synopses get 0 on average, and padding is shown to change nothing.
inline stage rewarded(material const& from, stage const& sft, miniature_options const& options) {
    stage const reward{std::filesystem::path(options.output_dir) / "reward"};
    if (reward.is_done()) return reward;
    px::run::stopwatch const clock;
    auto train = preferences(pairs_of(from, sft, options, false), from.words, options.response_length);
    auto held_out = preferences(pairs_of(from, sft, options, true), from.words, options.response_length);
    auto config = training(reward.folder, options.reward_steps);
    config.per_device_train_batch_size = 16;
    config.learning_rate = 1e-4;
    config.weight_decay = 0.01;
    config.warmup_steps = std::min<std::int64_t>(30, options.reward_steps / 4);
    auto const base = px::lm::load_causal_lm(sft.folder);
    auto const model =
        px::lm::make_sequence_classifier(*base.body, base.config, 1, px::lm::reward_head_deviation(*base.body));
    auto const count = train.size();
    auto const objective =
        std::make_shared<px::lm::preference_objective>(model, from.words, std::move(train), std::move(held_out));
    auto const planned = px::run::plan_run(config);
    px::lm::supervised_trainer trainer(
        {.config = config,
         .objective = objective,
         .group_by_length = false,
         .callbacks = px::run::training_listeners(config, {"loss", "accuracy", "rewards/margins", "grad_norm"})});
    fmt::print("\nreward     {} pairs that the gold rule labelled; {} updates of 16\n", count, options.reward_steps);
    train_stage(trainer, config, planned, "config_reward.json");
    auto const measured = trainer.evaluate();
    std::vector<px::lm::finished_episode> references;
    for (auto const& row : demonstrations(from.texts.train, from.words)) {
        if (references.size() == 512) break;
        references.push_back({row.prompt, row.completion});
    }
    double const before = px::lm::model_reward(model)(references).scores.mean().item<double>();
    px::lm::shift_reward(model, -before);
    px::lm::check_padding(model, {references[0].query, references[1].response, references[2].query},
                          *from.words.pad_token_id());
    objective->save(reward.folder);
    reward.finish({{"accuracy", *measured.find("eval/accuracy")},
                   {"calibration_error", *measured.find("eval/calibration_error")},
                   {"loss", *measured.find("eval/loss")},
                   {"pairs", count},
                   {"shifted_by", -before},
                   {"seconds", clock.total()}});
    return reward;
}

/// The reward model's score; beside it, as rewards/gold, rewards/rouge_l and rewards/grounded, what other judges say,
/// which no update sees.
inline px::lm::reward_function watched_reward(px::lm::sequence_classifier const& model,
                                              px::quickstart::synopsis_rule const& gold) {
    return [proxy = px::lm::model_reward(model),
            gold](std::vector<px::lm::finished_episode> const& episodes) -> px::lm::reward_scores {
        auto scores = proxy(episodes);
        auto const count = static_cast<std::int64_t>(episodes.size());
        at::Tensor const judged = at::zeros({3, count}, at::kDouble);
        for (std::int64_t i = 0; i < count; ++i) {
            auto const& text = episodes[static_cast<std::size_t>(i)].text;
            auto const real = text.record.is_object() ? text.record.value("completion", std::string()) : std::string();
            judged[0][i] = gold(text.response);
            judged[1][i] = px::text::rouge_l(text.response, real).f1;
            judged[2][i] = grounded(text.prompt, text.response);
        }
        scores.parts = {{"gold", judged[0]}, {"rouge_l", judged[1]}, {"grounded", judged[2]}};
        return scores;
    };
}

inline px::text::prompt_dataset prompts_with_records(std::vector<px::quickstart::example> const& examples,
                                                     px::text::tokenizer const& words, std::size_t most) {
    px::text::prompt_dataset data;
    for (auto const& e : examples) {
        if (data.prompts.size() == most) break;
        data.prompts.push_back(words.encode(e.prompt));
        data.records.push_back({{"prompt", e.prompt}, {"completion", e.completion}});
    }
    return data;
}

/// Training against the reward model with one seed: `ppo-1`. Policy and reference begin as the fine-tuned model, the
/// critic as the reward model. The held-out prompts are answered at `points` moments, and the models kept.
inline stage optimised(material const& from, stage const& sft, stage const& reward, miniature_options const& options,
                       std::int64_t seed) {
    stage const run{std::filesystem::path(options.output_dir) / fmt::format("{}-{}", options.algorithm, seed)};
    if (run.is_done()) return run;
    px::run::stopwatch const clock;
    auto algorithm = examples::algorithm_named(options.algorithm);
    auto const every = std::max<std::int64_t>(1, options.updates / options.points);
    px::run::PPOv2Config config;
    auto const settings = [&](px::run::PPOv2Config const&) -> std::vector<std::string> {
        return {"--output_dir=" + run.folder.string(),
                fmt::format("--seed={}", seed),
                "--per_device_train_batch_size=32",
                "--num_mini_batches=2",
                "--num_ppo_epochs=2",
                fmt::format("--max_steps={}", options.updates),
                fmt::format("--learning_rate={}", options.ppo_learning_rate),
                "--max_grad_norm=1.0",
                fmt::format("--kl_coef={}", options.kl_coef),
                "--temperature=0.7",
                fmt::format("--response_length={}", options.response_length),
                "--stop_token=eos",
                "--missing_eos_penalty=1.0",
                "--local_rollout_forward_batch_size=128",
                "--num_sample_generations=0",
                "--report_to=none",
                "--eval_strategy=steps",
                "--eval_on_start=true",
                fmt::format("--eval_steps={}", every),
                fmt::format("--save_steps={}", every),
                "--resume_from_checkpoint=auto"};
    };
    px::lm::read_command_line(algorithm, config, "", {"--algorithm", options.algorithm}, settings,
                              examples::knob_readers());
    auto const policy = px::lm::load_causal_lm(sft.folder);
    auto const proxy = px::lm::load_sequence_classifier(reward.folder);
    px::lm::run_inputs inputs{.tokenizer = from.words, .policy = policy};
    inputs.reward = watched_reward(proxy, from.gold);
    if (algorithm.needs_reference()) inputs.reference = px::lm::clone(policy);
    if (algorithm.needs_critic()) inputs.critic = px::lm::clone(proxy);
    inputs.train = prompts_with_records(from.texts.train, from.words, from.texts.train.size());
    inputs.eval = prompts_with_records(from.texts.validation, from.words, 256);
    auto const planned = px::run::plan_run(config);
    px::lm::ppo_trainer trainer(algorithm, px::lm::arguments_of(config, inputs, px::run::stock_listeners(config)));
    fmt::print("\n{:<10} seed {}: {} updates of {} episodes\n", options.algorithm, seed,
               trainer.sizes().num_total_batches, trainer.sizes().batch_size);
    train_stage(trainer, config, planned, "config_ppo.json");
    run.finish({{"seed", seed}, {"seconds", clock.total()}});
    return run;
}

}  // namespace tldr
