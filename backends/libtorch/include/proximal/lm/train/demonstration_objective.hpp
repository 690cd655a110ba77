// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <proximal/lm/generation/generate_in_chunks.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/model/begin_training.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/mixed_precision_backbone.hpp>
#include <proximal/lm/model/recomputing_backbone.hpp>
#include <proximal/lm/train/demonstration_loss.hpp>
#include <proximal/lm/train/save_run.hpp>
#include <proximal/lm/train/supervised_objective.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/text/rouge.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Where fine-tuning is measured by what the model writes.
struct written_evaluation {
    std::int64_t rows = 0;             // evaluation prompts that are answered; 0: none
    std::int64_t max_new_tokens = 53;  // tokens of an answer
    double temperature = 0.01;         // nearly greedy, as the N+ paper evaluates
    std::uint64_t seed = 42;
};

/// Supervised fine-tuning: the negative log-likelihood per token of demonstrations, a prompt's tokens weighted by
/// `prompt_weight` (1: the loss of all tokens, as the N+ paper and TRL's SFTTrainer have it; 0: of the answers alone).
///
/// Metrics: `loss`, the weighted mean; `loss/completion`, the mean over the answers' tokens; of the evaluation data
/// `eval/loss`, `eval/loss/completion`, and where answers are written `eval/rouge_l` (F1) and `eval/eos_rate`.
class demonstration_objective final : public supervised_objective {
   public:
    demonstration_objective(causal_lm model, text::tokenizer tokenizer, std::vector<demonstration> train,
                            std::vector<demonstration> eval, double prompt_weight, written_evaluation written = {})
        : model_(std::move(model)),
          tokenizer_(std::move(tokenizer)),
          train_(std::move(train)),
          eval_(std::move(eval)),
          prompt_weight_(prompt_weight),
          written_(written) {}

    std::int64_t size() const override { return std::ssize(train_); }
    std::int64_t tokens(std::int64_t row) const override {
        auto const& of = train_[static_cast<std::size_t>(row)];
        return std::ssize(of.prompt) + std::ssize(of.completion);
    }
    double weight(std::int64_t row) const override {
        return demonstration_weight(train_[static_cast<std::size_t>(row)], prompt_weight_);
    }
    objective_sums loss(std::vector<std::int64_t> const& rows) const override {
        std::vector<demonstration> batch;
        for (auto const row : rows) batch.push_back(train_[static_cast<std::size_t>(row)]);
        return sums_of(batch);
    }
    bool can_evaluate() const override { return !eval_.empty(); }
    run::metrics evaluate(std::int64_t chunk) override {
        weighted_sum loss, completion;
        for (std::size_t at = 0; at < eval_.size(); at += static_cast<std::size_t>(chunk)) {
            auto const end = std::min(eval_.size(), at + static_cast<std::size_t>(chunk));
            auto const sums = sums_of(
                {eval_.begin() + static_cast<std::ptrdiff_t>(at), eval_.begin() + static_cast<std::ptrdiff_t>(end)});
            auto const add = [](weighted_sum& to, weighted_sum const& x) { to.sum += x.sum, to.weight += x.weight; };
            add(loss, sums.numbers.at("loss"));
            add(completion, sums.numbers.at("loss/completion"));
        }
        run::metrics measured;
        measured.set("eval/loss", loss.sum / loss.weight);
        measured.set("eval/loss/completion", completion.sum / completion.weight);
        if (written_.rows > 0) {
            double rouge = 0.0, ended = 0.0;
            auto const answers = write(written_.rows);
            for (auto const& answer : answers) rouge += answer.rouge_l, ended += answer.has_eos;
            measured.set("eval/rouge_l", rouge / static_cast<double>(answers.size()));
            measured.set("eval/eos_rate", ended / static_cast<double>(answers.size()));
        }
        return measured;
    }
    run::completions_table samples(std::int64_t most) override {
        run::completions_table table{{"prompt", "reference", "model response", "ROUGE-L"}, {}};
        for (auto const& answer : write(most))
            table.rows.push_back(
                {answer.prompt, answer.reference, answer.response, fmt::format("{:.3f}", answer.rouge_l)});
        return table;
    }
    void begin() override { begin_training(model_); }
    void recompute_layers() override { model_.body = std::make_shared<recomputing_backbone>(model_.body); }
    void compute_in(at::ScalarType dtype) override {
        model_.body = std::make_shared<mixed_precision_backbone>(model_.body, dtype);
    }
    std::vector<named_tensor> parameters() const override { return model_.parameters(); }
    std::vector<named_tensor> trainable_parameters() const override { return model_.trainable_parameters(); }
    void save(std::filesystem::path const& folder) const override { save_run(folder, model_, nullptr, tokenizer_); }
    run_identity identity() const override {
        std::vector<std::vector<std::int64_t>> all;
        for (auto const& row : train_)
            for (auto const part : {&demonstration::prompt, &demonstration::completion}) all.push_back(row.*part);
        return {{"the training data", fingerprint(all, "texts")},
                {"--prompt_loss_weight", fmt::format("{}", prompt_weight_)}};
    }

   private:
    struct written {
        std::string prompt, reference, response;
        double rouge_l;
        bool has_eos;
    };
    objective_sums sums_of(std::vector<demonstration> const& batch) const {
        auto const loss = demonstration_loss(model_, batch, prompt_weight_);
        double answers = 0.0;
        for (auto const& row : batch) answers += demonstration_weight(row, 0.0);
        return {loss.total,
                {{"loss", {loss.total.item<double>(), loss.weight}},
                 {"loss/completion", {loss.completion.item<double>(), answers}}}};
    }
    std::vector<written> write(std::int64_t most) const {
        auto const count = static_cast<std::size_t>(std::min<std::int64_t>(most, std::ssize(eval_)));
        std::vector<std::vector<std::int64_t>> prompts;
        for (std::size_t i = 0; i < count; ++i) prompts.push_back(eval_[i].prompt);
        auto const eos = tokenizer_.eos_token_id();
        auto const seed = run::stream_seed(written_.seed, "evaluation");
        auto const drawn = generate_in_chunks(
            model_, prompts,
            {.temperature = written_.temperature + 1e-7,
             .max_new_tokens = written_.max_new_tokens,
             .stop_token = eos,
             .pad_token = tokenizer_.pad_token_id().value_or(0)},
            [&](std::int64_t row) {
                return multinomial_sampler{seed, static_cast<std::uint64_t>(row)};
            },
            64);
        auto const responses = responses_of(drawn);
        std::vector<written> answers;
        for (std::size_t i = 0; i < count; ++i) {
            auto const& ids = responses[i];
            bool const ended = eos && !ids.empty() && ids.back() == *eos;
            auto const reference = tokenizer_.decode(eval_[i].completion, true);
            auto const response = tokenizer_.decode(ids, true);
            answers.push_back({tokenizer_.decode(eval_[i].prompt, true), reference, response,
                               text::rouge_l(response, reference).f1, ended});
        }
        return answers;
    }

    causal_lm model_;
    text::tokenizer tokenizer_;
    std::vector<demonstration> train_, eval_;
    double prompt_weight_;
    written_evaluation written_;
};

}  // namespace proximal::lm
