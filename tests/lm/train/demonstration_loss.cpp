// SPDX-License-Identifier: Apache-2.0
#include <torch/csrc/autograd/autograd.h>
#include <proximal/lm/model/begin_training.hpp>
#include <proximal/lm/train/demonstration_loss.hpp>

#include "../../support/tiny_model.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal::lm;

TEST_CASE("demonstration_loss: the weighted negative log-likelihood of a whole softmax, row by row") {
    auto const model = support::tiny_model();
    std::vector<demonstration> const rows{{{3, 4, 5}, {6, 7}}, {{}, {8, 9, 1}}, {{2}, {1}}};
    for (double const prompt_weight : {0.0, 0.3, 1.0}) {
        double total = 0.0, weight = 0.0, answers = 0.0;
        for (auto const& row : rows) {
            auto ids = row.prompt;
            ids.insert(ids.end(), row.completion.begin(), row.completion.end());
            auto const logprobs =
                at::log_softmax(model.body->forward(pack_tokens({ids})).matmul(model.lm_head.t()), -1);
            double row_weight = 0.0;
            for (std::size_t i = 1; i < ids.size(); ++i) {
                bool const is_answer = i >= row.prompt.size();
                double const w = is_answer ? 1.0 : prompt_weight;
                double const nll = -logprobs[static_cast<std::int64_t>(i) - 1][ids[i]].item<double>();
                total += w * nll, row_weight += w;
                if (is_answer) answers += nll;
            }
            CHECK(demonstration_weight(row, prompt_weight) == Approx(row_weight));
            weight += row_weight;
        }
        auto const loss = demonstration_loss(model, rows, prompt_weight);
        CHECK(loss.total.item<double>() == Approx(total).epsilon(1e-12));
        CHECK(loss.weight == Approx(weight));
        CHECK(loss.completion.item<double>() == Approx(answers).epsilon(1e-12));
    }
}

TEST_CASE("demonstration_loss: its gradient is that of finite differences") {
    auto const model = support::tiny_model();
    begin_training(model);
    std::vector<demonstration> const rows{{{3, 4, 5}, {6, 7}}, {{2}, {1, 9}}};
    auto const value = [&] { return demonstration_loss(model, rows, 0.3).total; };
    auto const& parameter = model.lm_head;
    auto const gradient = torch::autograd::grad({value()}, {parameter})[0];
    at::NoGradGuard const no_gradient;
    for (auto const& [i, j] : {std::pair{6, 0}, {7, 5}, {1, 11}}) {
        double const step = 1e-6;
        auto const cell = parameter.detach()[i][j];
        cell.add_(step);
        double const above = value().item<double>();
        cell.sub_(2 * step);
        double const below = value().item<double>();
        cell.add_(step);
        CHECK(gradient[i][j].item<double>() == Approx((above - below) / (2 * step)).margin(1e-6));
    }
}
