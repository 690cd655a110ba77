// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_rows.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/train/model_objective.hpp>
#include <proximal/run/calibration.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A prompt and two answers, of which the first was preferred, as tokens; the answers end with EOS.
struct preference {
    std::vector<std::int64_t> prompt, chosen, rejected;
};

/// The rewards of both answers to each prompt, the score at an answer's last token. [B] each, with gradient.
struct rewarded_pairs {
    at::Tensor chosen, rejected;
};

/// Rewards under a classifier; packed, so that no work goes to padding.
inline rewarded_pairs reward_pairs(sequence_classifier const& model, std::vector<preference> const& batch) {
    std::vector<std::vector<std::int64_t>> rows;
    std::vector<std::int64_t> lasts;
    std::int64_t total = 0;
    for (auto const answer : {&preference::chosen, &preference::rejected})
        for (auto const& pair : batch) {
            auto& row = rows.emplace_back(pair.prompt);
            row.insert(row.end(), (pair.*answer).begin(), (pair.*answer).end());
            total += std::ssize(row);
            lasts.push_back(total - 1);
        }
    auto const device = model.score.device();
    auto const hidden = model.body->forward(pack_tokens(rows, device));
    auto const rewards = model.values(hidden.index_select(0, at::tensor(lasts, at::kLong).to(device)));
    auto const count = static_cast<std::int64_t>(batch.size());
    return {rewards.slice(0, 0, count), rewards.slice(0, count)};
}

/// Reward modelling: −log σ(r(chosen) − r(rejected)) per pair, the score read at the answer's last token, its EOS; plus
/// c (r(chosen) + r(rejected))², which keeps rewards near 0.
///
/// Metrics: `loss`, `accuracy` (the share of pairs in which the chosen answer scores higher; half for a tie),
/// `rewards/chosen`, `rewards/rejected`, `rewards/margins`; the same of the evaluation data under "eval/", and
/// `eval/calibration_error`: how far, on average, the share of right pairs is from the probability σ(margin) that the
/// model claims (expected calibration error, ten bins).
/// Source: Stiennon et al. 2020, arXiv 2009.01325; TRL's RewardTrainer, Eisenstein et al. 2023, arXiv 2312.09244
/// (center_rewards_coefficient).
class preference_objective final : public model_objective<sequence_classifier, preference> {
   public:
    preference_objective(sequence_classifier model, text::tokenizer tokenizer, std::vector<preference> train,
                         std::vector<preference> eval, double center_rewards_coefficient = 0.0)
        : model_objective(std::move(model), std::move(tokenizer), std::move(train), std::move(eval)),
          center_(center_rewards_coefficient) {}

    std::int64_t tokens(std::int64_t index) const override {
        auto const& pair = row(index);
        return 2 * std::ssize(pair.prompt) + std::ssize(pair.chosen) + std::ssize(pair.rejected);
    }
    double weight(std::int64_t) const override { return 1.0; }
    objective_sums loss(std::vector<std::int64_t> const& rows) const override {
        auto const rewards = reward_pairs(model_, batch_of(rows));
        auto const total = loss_of(rewards);
        return {total, numbers(rewards, total.detach())};
    }
    std::vector<std::string> evaluated_metrics() const override {
        return {"eval/loss", "eval/accuracy", "eval/rewards/", "eval/calibration_error"};
    }
    run::metrics evaluate(std::int64_t chunk, communicator& world) override {
        std::vector<at::Tensor> own;
        auto const all = measure_held_out(chunk, world, [&](std::vector<preference> const& batch) {
            auto const rewards = reward_pairs(model_, batch);
            own.push_back((rewards.chosen - rewards.rejected).to(at::kCPU, at::kDouble));
            return numbers(rewards, loss_of(rewards));
        });
        at::Tensor margin = at::cat(own).contiguous();
        if (is_shared_out(std::ssize(eval_), world)) margin = gather_rows(margin, world).contiguous();
        std::vector<double> const margins(margin.const_data_ptr<double>(),
                                          margin.const_data_ptr<double>() + margin.numel());
        run::metrics measured;
        for (auto const& [name, number] : all) measured.set("eval/" + name, number.sum / number.weight);
        measured.set("eval/calibration_error", run::calibration_error(margins));
        return measured;
    }
    run_identity identity() const override {
        return {
            {"the training data", fingerprint_of({&preference::prompt, &preference::chosen, &preference::rejected})},
            {"--center_rewards_coefficient", fmt::format("{}", center_)}};
    }
    /// Some prompts of the training data.
    std::vector<std::vector<std::int64_t>> prompts(std::size_t most) const {
        std::vector<std::vector<std::int64_t>> some;
        for (std::size_t i = 0; i < std::min(most, train_.size()); ++i) some.push_back(train_[i].prompt);
        return some;
    }

   private:
    at::Tensor loss_of(rewarded_pairs const& rewards) const {
        auto const total = -at::log_sigmoid(rewards.chosen - rewards.rejected).sum();
        return center_ == 0.0 ? total : total + center_ * (rewards.chosen + rewards.rejected).square().sum();
    }
    static std::map<std::string, weighted_sum> numbers(rewarded_pairs const& rewards, at::Tensor const& total) {
        auto const chosen = rewards.chosen.detach().to(at::kDouble),
                   rejected = rewards.rejected.detach().to(at::kDouble);
        double const count = static_cast<double>(chosen.numel());
        auto const sum = [&](at::Tensor const& x) { return weighted_sum{x.sum().item<double>(), count}; };
        return {{"loss", {total.item<double>(), count}},
                {"accuracy", sum(((chosen - rejected).sign() + 1.0) / 2.0)},
                {"rewards/chosen", sum(chosen)},
                {"rewards/rejected", sum(rejected)},
                {"rewards/margins", sum(chosen - rejected)}};
    }

    double center_;
};

}  // namespace proximal::lm
