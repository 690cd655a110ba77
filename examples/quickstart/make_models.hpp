// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <proximal/cache_folder.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/lm/train/fine_tune.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/text/bpe_trainer.hpp>
#include <proximal/text/prompt_dataset.hpp>
#include <proximal/text/tokenizer.hpp>

#include "load_or_make_corpus.hpp"
#include "synopsis_rule.hpp"

namespace proximal::quickstart {

/// What a run needs that was given neither models nor data.
struct embedded {
    corpus texts;
    std::filesystem::path model;  // a Hugging Face folder: a small GPT-NeoX after its SFT step, and its tokenizer
    synopsis_rule rule;           // the reward
};

/// Where the quick start keeps what it made: proximal::cache_folder(), or where there is no home a temporary folder.
inline std::filesystem::path cache_folder() {
    auto const folder = proximal::cache_folder();
    return folder.empty() ? std::filesystem::temp_directory_path() / "proximal-cache" : folder;
}

inline std::int64_t const vocabulary = 2048;
inline std::int64_t const prompt_tokens = 64;    // longer prompts are left out
inline std::int64_t const response_tokens = 24;  // longer answers too
inline std::int64_t const sft_steps = 400;

inline nlohmann::json small_gpt_neox(std::int64_t eos, std::int64_t pad, std::int64_t size) {
    return {{"model_type", "gpt_neox"},
            {"vocab_size", size},
            {"hidden_size", 160},
            {"num_hidden_layers", 4},
            {"num_attention_heads", 4},
            {"intermediate_size", 640},
            {"max_position_embeddings", 256},
            {"rotary_pct", 0.25},
            {"rotary_emb_base", 10000},
            {"hidden_act", "gelu"},
            {"use_parallel_residual", true},
            {"layer_norm_eps", 1e-5},
            {"initializer_range", 0.02},
            {"tie_word_embeddings", false},
            {"bos_token_id", eos},
            {"eos_token_id", eos},
            {"pad_token_id", pad}};
}

inline std::vector<lm::demonstration> demonstrations(std::vector<example> const& examples, text::tokenizer const& words,
                                                     std::int64_t response_length) {
    std::vector<lm::demonstration> kept;
    for (auto const& e : examples) {
        lm::demonstration d{words.encode(e.prompt), words.encode(e.completion)};
        d.completion.push_back(*words.eos_token_id());
        if (static_cast<std::int64_t>(d.prompt.size()) <= prompt_tokens &&
            static_cast<std::int64_t>(d.completion.size()) <= response_length)
            kept.push_back(std::move(d));
    }
    return kept;
}

/// The prompts that fit, as data for the trainer.
inline text::prompt_dataset prompts_of(std::vector<example> const& examples, text::tokenizer const& words) {
    text::prompt_dataset data;
    for (auto const& e : examples)
        if (auto ids = words.encode(e.prompt); static_cast<std::int64_t>(ids.size()) <= prompt_tokens)
            data.prompts.push_back(std::move(ids));
    return data;
}

/// Finds or makes text, vocabulary and SFT model in the cache folder, telling each step on the screen. What is there is
/// reused; a step that was interrupted leaves nothing that could be taken for its result.
inline embedded make_or_load() {
    namespace fs = std::filesystem;
    auto const cache = cache_folder();
    fs::create_directories(cache);
    corpus texts = load_or_make_corpus(cache);
    fmt::print("text       {}\n           {} examples to train on, {} to evaluate\n", texts.origin, texts.train.size(),
               texts.validation.size());
    synopsis_rule rule(texts.train);
    auto const folder = cache / "gpt-neox-sft";
    if (fs::exists(folder / "config.json")) {
        fmt::print("model      {} (made by an earlier run)\n", folder.string());
    } else {
        auto const beside =
            fs::path(folder).concat(".part" + std::to_string(::getpid()));  // another run may make it too
        fs::remove_all(beside);
        fs::create_directories(beside);
        std::vector<std::string> lines;
        for (auto const& e : texts.train) lines.push_back(e.prompt + e.completion);
        fmt::print("vocabulary byte-level BPE, {} tokens, learned from the text\n", vocabulary);
        text::train_bpe(lines, {.vocabulary_size = vocabulary}).save(beside);
        text::tokenizer const words = text::tokenizer::load(beside);
        auto const model = lm::make_causal_lm(
            small_gpt_neox(*words.eos_token_id(), *words.pad_token_id(), static_cast<std::int64_t>(words.size())), 1);
        std::int64_t parameters = 0;
        for (auto const& parameter : model.parameters()) parameters += parameter.tensor.numel();
        fmt::print(
            "model      GPT-NeoX, 4 layers of 160, {:.1f} million parameters; SFT on the text (a minute or two, "
            "once)\n",
            static_cast<double>(parameters) / 1e6);
        auto const data = demonstrations(texts.train, words, response_tokens);
        run::progress_bar bar("SFT", sft_steps);
        double recent = 0.0;
        lm::fine_tune(model, data, {.steps = sft_steps}, [&](std::int64_t step, double loss) {
            recent = step == 1 ? loss : 0.98 * recent + 0.02 * loss;
            bar.show(step, fmt::format("loss {:.3f} nats/token", recent));
        });
        bar.finish();
        lm::save_model(model, beside);
        if (fs::exists(folder / "config.json")) {
            fs::remove_all(beside);  // another run was quicker
        } else {
            fs::remove_all(folder);
            fs::rename(beside, folder);
        }
        fmt::print("           kept in {}\n", folder.string());
    }
    return {std::move(texts), folder, std::move(rule)};
}

}  // namespace proximal::quickstart
