// SPDX-License-Identifier: Apache-2.0
//
// Trains a language model with PPO, TRL's quick start, or by --algorithm with another of examples/algorithms. With
// TRL's flags it takes models and data from folders or from the local Hugging Face cache; with no model and no data it
// makes small ones of its own from text on this machine.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/hub.hpp>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/reward/command_reward.hpp>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/reports.hpp>
#include <proximal/run/run_directory.hpp>

#include "algorithms/by_name.hpp"
#include "quickstart/make_models.hpp"

using namespace proximal;
using namespace proximal::libtorch;
using namespace proximal::io;
using namespace proximal::text;
using namespace proximal::run;
using namespace proximal::lm;

namespace {

struct prepared {
    tokenizer words;
    causal_lm policy;
    std::optional<causal_lm> reference;         // none where the algorithm reads none
    std::optional<sequence_classifier> critic;  // the same
    reward_function reward;
    prompt_dataset train, eval;
};

/// Which models an algorithm reads besides the policy.
struct wanted {
    bool reference, critic;
};

/// The reward that --reward_command gives.
reward_function rewarding_command(PPOv2Config const& config, tokenizer const& words) {
    fmt::print("reward     {}\n", *config.reward_command);
    return command_reward(words, *config.reward_command, std::chrono::duration<double>(config.reward_timeout));
}

/// Models and data by name, as in TRL's script: what is not named is EleutherAI/pythia-160m, data come from this
/// machine.
prepared named_models(PPOv2Config const& config, at::Device device, wanted models) {
    std::string const fallback = "EleutherAI/pythia-160m";
    auto const sft = resolve_model(config.sft_model_path.value_or(fallback));
    auto const words_from = config.model_name_or_path.value_or(config.sft_model_path.value_or(fallback));
    tokenizer words = tokenizer::load(resolve_model(words_from));
    if (!words.pad_token_id() || words.pad_token_id() == words.eos_token_id()) words.add_pad_token("[PAD]");
    prepared made{.words = words,
                  .policy = load_causal_lm(sft, at::kFloat, device),
                  .reference = {},
                  .critic = {},
                  .reward = {},
                  .train = {},
                  .eval = {}};
    if (models.reference) made.reference = clone(made.policy);
    fmt::print("policy     {}\n", sft.string());
    if (config.reward_command) made.reward = rewarding_command(config, words);
    if (!config.reward_command || models.critic) {
        auto const rewarding = resolve_model(config.reward_model_path.value_or(fallback));
        bool head_was_made = false;
        auto const judge = load_sequence_classifier(rewarding, at::kFloat, device, config.seed, &head_was_made);
        if (head_was_made)
            fmt::print(
                stderr,
                "note: {} has no score head; one was drawn at random, so its scores mean nothing until it is trained\n",
                rewarding.string());
        if (models.critic) made.critic = config.reward_command ? judge : clone(judge);
        if (!config.reward_command) {
            made.reward = model_reward(judge, config.local_rollout_forward_batch_size);
            fmt::print("reward     {}\n", rewarding.string());
        }
    }
    if (config.dataset_name) {
        progress_bar bar("tokenizing", 1000, !config.disable_tqdm);
        auto splits = load_prompt_split(
            *config.dataset_name, words, config.eval_fraction, config.seed, [&](std::size_t done, std::size_t total) {
                bar.show(static_cast<std::int64_t>(1000 * done / std::max<std::size_t>(1, total)));
            });
        bar.finish();
        made.train = std::move(splits.train), made.eval = std::move(splits.eval);
    } else {
        auto const texts = quickstart::load_or_make_corpus(quickstart::cache_folder());
        fmt::print("text       {}\n", texts.origin);
        made.train = quickstart::prompts_of(texts.train, words),
        made.eval = quickstart::prompts_of(texts.validation, words);
    }
    return made;
}

/// Everything made on this machine.
prepared embedded_models(PPOv2Config const& config, at::Device device, wanted models) {
    auto const own = quickstart::make_or_load();
    tokenizer const words = tokenizer::load(own.model);
    auto const policy = load_causal_lm(own.model, at::kFloat, device);
    reward_function reward;
    if (config.reward_command) {
        reward = rewarding_command(config, words);
    } else {
        fmt::print(
            "reward     a known rule: +1 for each known word (at most 6), -1 for each unknown or repeated one\n");
        reward = text_reward(
            words, [rule = own.rule](std::string const&, std::string const& response) { return rule(response); });
    }
    std::optional<sequence_classifier> critic;
    if (models.critic) critic = make_sequence_classifier(*policy.body, policy.config, config.seed);
    return {.words = words,
            .policy = policy,
            .reference = models.reference ? std::optional(clone(policy)) : std::nullopt,
            .critic = critic,
            .reward = reward,
            .train = quickstart::prompts_of(own.texts.train, words),
            .eval = quickstart::prompts_of(own.texts.validation, words)};
}

char const* const about =
    "Trains a language model. With no model and no data, makes small ones from text on this machine.";

double mean_score(std::vector<sample> const& samples) {
    double total = 0.0;
    for (auto const& s : samples) total += s.score;
    return total / static_cast<double>(samples.size());
}

/// The end of a text, at most `bytes` long, cut between characters.
std::string ending(std::string const& text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    auto from = text.size() - bytes;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
    return "…" + text.substr(from);
}

/// The whole program for one algorithm, given as it is by default: flags and configuration set its knobs.
template <class Algorithm>
int train(Algorithm algorithm, PPOv2Config config, std::vector<std::string> const& arguments) {
    Algorithm untouched = algorithm;
    if (!parse_flags(config, about, arguments, untouched)) return 0;
    bool const own =
        !config.model_name_or_path && !config.sft_model_path && !config.reward_model_path && !config.dataset_name;
    if (own) {
        config = quickstart::quick_config();
        parse_flags(config, about, arguments, untouched);
    }
    copy_knobs(config, algorithm);
    visit_knobs(algorithm, [&](std::string_view, auto const& knob, auto& value) {  // the longest response, unless told
        if (knob.name == "max_response_length" || knob.name == "loss_scale_factor")
            value = static_cast<std::remove_cvref_t<decltype(value)>>(config.response_length);
    });
    parse_flags(config, about, arguments, algorithm);
    if constexpr (std::same_as<Algorithm, decltype(stock_ppo(config))>) algorithm = stock_ppo(config);
    validate(algorithm);
    if (config.report_to != "tensorboard" && config.report_to != "none")
        throw std::invalid_argument("--report_to " + config.report_to + " is not known: choose tensorboard or none");
    auto const device = choose_device(config.use_cpu);
    fmt::print("Proximal: {} on {}\n", config.algorithm, device.str());
    wanted const models{.reference = needs_reference<Algorithm>, .critic = needs_critic<Algorithm>};
    prepared made = own ? embedded_models(config, device, models) : named_models(config, device, models);

    auto const plot = std::make_shared<plot_report>(fmt::format("{}, seed {}", config.exp_name, config.seed));
    callback_list callbacks{std::make_shared<metrics_log>(), std::make_shared<terminal_report>(!config.disable_tqdm),
                            plot};
    if (config.report_to == "tensorboard") callbacks.push_back(std::make_shared<tensorboard_log>());
    ppo_trainer trainer(algorithm, {.config = config,
                                    .tokenizer = made.words,
                                    .policy = made.policy,
                                    .ref_policy = made.reference,
                                    .reward_model = made.reward,
                                    .train_dataset = std::move(made.train),
                                    .value_model = made.critic,
                                    .eval_dataset = made.eval,
                                    .callbacks = callbacks});
    std::filesystem::path const folder = config.output_dir;
    if (claim_run_directory(folder))
        fmt::print("note       the earlier run in {} was moved to {}.previous\n", folder.string(), folder.string());
    auto record = to_json_object(config);
    record.update(knobs_json(algorithm));
    write_file(folder / "config_ppo.json", record.dump(2) + "\n");
    auto const& sizes = trainer.sizes();
    fmt::print("run        {} updates of {} episodes, in {}\n\n", sizes.num_total_batches, sizes.batch_size,
               folder.string());

    prompt_list const held_out(
        made.eval.prompts.begin(),
        made.eval.prompts.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(128, made.eval.prompts.size())));
    auto const before = held_out.empty() ? std::vector<sample>{} : trainer.answer(held_out, config.temperature);
    trainer.train();
    if (!held_out.empty()) {
        auto const after = trainer.answer(held_out, config.temperature);
        completions_table table{{"prompt (held out)", "before", "score", "after", "score"}, {}};
        for (std::size_t i = 0; i < std::min<std::size_t>(5, after.size()); ++i)
            table.rows.push_back({ending(before[i].query, 240), before[i].response,
                                  fmt::format("{:.2f}", before[i].score), after[i].response,
                                  fmt::format("{:.2f}", after[i].score)});
        fmt::print("\n{}mean score of {} held-out prompts: {:.3f} before, {:.3f} after\n",
                   draw(table, terminal_width(stdout)), after.size(), mean_score(before), mean_score(after));
    }
    fmt::print("\npolicy     {}\n", folder.string());
    if (models.critic) fmt::print("critic     {}\n", (folder / "value_model").string());
    fmt::print("metrics    {}\n", (folder / "metrics.jsonl").string());
    if (plot->drawn()) fmt::print("plot       {}\n", (folder / "metrics.png").string());
    if (config.report_to == "tensorboard") fmt::print("curves     tensorboard --logdir {}\n", folder.string());
    return 0;
}

/// The algorithm is known by its flag before the others are: they are its parts' knobs.
int ppo_program(std::vector<std::string> const& arguments) {
    PPOv2Config config;
    std::vector<std::string> chosen;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--algorithm" && i + 1 < arguments.size()) chosen = {arguments[i], arguments[i + 1]};
        if (arguments[i].starts_with("--algorithm=")) chosen = {arguments[i]};
    }
    parse_flags(config, about, chosen);
    return examples::with_algorithm(config.algorithm,
                                    [&](auto const& algorithm) { return train(algorithm, config, arguments); });
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // in step with the progress on stderr, also into a file
    try {
        return ppo_program({argv + 1, argv + argc});
    } catch (std::exception const& error) {
        std::fflush(stdout);
        fmt::print(stderr, "\nppo: {}\n", error.what());
        return 1;
    }
}
