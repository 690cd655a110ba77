// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_rows.hpp>
#include <proximal/lm/generation/generate_in_chunks.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/train/demonstration_loss.hpp>
#include <proximal/lm/train/model_objective.hpp>
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
class demonstration_objective final : public model_objective<causal_lm, demonstration> {
   public:
    demonstration_objective(causal_lm model, text::tokenizer tokenizer, std::vector<demonstration> train,
                            std::vector<demonstration> eval, double prompt_weight, written_evaluation written = {})
        : model_objective(std::move(model), std::move(tokenizer), std::move(train), std::move(eval)),
          prompt_weight_(prompt_weight),
          written_(written) {}

    std::int64_t tokens(std::int64_t index) const override {
        auto const& of = row(index);
        return std::ssize(of.prompt) + std::ssize(of.completion);
    }
    double weight(std::int64_t index) const override { return demonstration_weight(row(index), prompt_weight_); }
    objective_sums loss(std::vector<std::int64_t> const& rows) const override { return sums_of(batch_of(rows)); }
    std::vector<std::string> evaluated_metrics() const override {
        std::vector<std::string> names{"eval/loss", "eval/loss/completion"};
        if (written_.rows > 0) names.insert(names.end(), {"eval/rouge_l", "eval/eos_rate"});
        return names;
    }
    run::metrics evaluate(std::int64_t chunk, communicator& world) override {
        auto all = measure_held_out(chunk, world,
                                    [&](std::vector<demonstration> const& batch) { return sums_of(batch).numbers; });
        if (auto const rows = std::min<std::int64_t>(written_.rows, std::ssize(eval_)); rows > 0) {
            std::map<std::string, weighted_sum> written;
            for (auto const& answer : write(share_of(rows, world)))
                add(written, {{"rouge_l", {answer.rouge_l, 1.0}}, {"eos_rate", {answer.has_eos ? 1.0 : 0.0, 1.0}}});
            add(all, is_shared_out(rows, world) ? sum_over_processes(std::move(written), world) : written);
        }
        run::metrics measured;
        for (auto const& [name, number] : all) measured.set("eval/" + name, number.sum / number.weight);
        return measured;
    }
    run::completions_table samples(std::int64_t most) override {
        run::completions_table table{{"prompt", "reference", "model response", "ROUGE-L"}, {}};
        for (auto const& answer : write({0, std::min<std::int64_t>(most, std::ssize(eval_))}))
            table.rows.push_back(
                {answer.prompt, answer.reference, answer.response, fmt::format("{:.3f}", answer.rouge_l)});
        return table;
    }
    run_identity identity() const override {
        return {{"the training data", fingerprint_of({&demonstration::prompt, &demonstration::completion})},
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
    /// Answers to some evaluation prompts: the same whoever else answers others.
    std::vector<written> write(row_share const& rows) const {
        std::vector<demonstration> const asked(eval_.begin() + rows.first, eval_.begin() + rows.first + rows.count);
        std::vector<std::vector<std::int64_t>> prompts;
        for (auto const& row : asked) prompts.push_back(row.prompt);
        auto const eos = tokenizer_.eos_token_id();
        auto const seed = run::stream_seed(written_.seed, "evaluation");
        auto const drawn = generate_in_chunks(
            model_, prompts,
            {.temperature = written_.temperature + 1e-7,
             .max_new_tokens = written_.max_new_tokens,
             .stop_token = eos,
             .pad_token = tokenizer_.pad_token_id().value_or(0)},
            [&](std::int64_t row) {
                return multinomial_sampler{seed, static_cast<std::uint64_t>(rows.first + row)};
            },
            64);
        auto const responses = responses_of(drawn);
        std::vector<written> answers;
        for (std::size_t i = 0; i < asked.size(); ++i) {
            auto const& ids = responses[i];
            bool const ended = eos && !ids.empty() && ids.back() == *eos;
            auto const reference = tokenizer_.decode(asked[i].completion, true);
            auto const response = tokenizer_.decode(ids, true);
            answers.push_back({tokenizer_.decode(asked[i].prompt, true), reference, response,
                               text::rouge_l(response, reference).f1, ended});
        }
        return answers;
    }

    double prompt_weight_;
    written_evaluation written_;
};

}  // namespace proximal::lm
