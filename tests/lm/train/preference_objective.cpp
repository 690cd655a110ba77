// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/train/preference_objective.hpp>

#include "../../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

namespace {
double reward_alone(sequence_classifier const& model, std::vector<std::int64_t> row,
                    std::vector<std::int64_t> const& answer) {
    row.insert(row.end(), answer.begin(), answer.end());
    return model.values(model.body->forward(pack_tokens({row})))[std::ssize(row) - 1].item<double>();
}
}  // namespace

TEST_CASE(
    "preference_objective: -log sigmoid of the margin, read at the last token; accuracy, ties half; calibration") {
    auto const lm = support::tiny_model(support::config_for_words());
    auto const model = make_sequence_classifier(*lm.body, lm.config, 4, 0.4);
    std::vector<preference> const pairs{{{3, 4}, {5, 6, 7}, {8}}, {{9}, {1}, {2, 3}}, {{4, 4, 4}, {7}, {6}}};
    double loss = 0.0, right = 0.0, squares = 0.0;
    std::vector<double> margins;
    for (auto const& pair : pairs) {
        double const chosen = reward_alone(model, pair.prompt, pair.chosen),
                     rejected = reward_alone(model, pair.prompt, pair.rejected), margin = chosen - rejected;
        loss += std::log1p(std::exp(-margin));
        squares += (chosen + rejected) * (chosen + rejected);
        right += margin > 0.0 ? 1.0 : margin == 0.0 ? 0.5 : 0.0;
        margins.push_back(margin);
    }
    preference_objective const plain(model, support::words(), pairs, pairs);
    auto const sums = plain.loss({0, 1, 2});
    CHECK(sums.total.item<double>() == Approx(loss).epsilon(1e-10));
    CHECK(sums.numbers.at("accuracy").sum == Approx(right));
    CHECK(sums.numbers.at("rewards/margins").weight == 3.0);
    // Equal answers are no tie to the last bit, which depends on where in a batch they stand; a head of zeros ties all.
    auto const zeros = make_sequence_classifier(*lm.body, lm.config, 4, 0.0);
    preference_objective const indifferent(zeros, support::words(), pairs, {});
    CHECK(indifferent.loss({0, 1, 2}).numbers.at("accuracy").sum == 1.5);
    preference_objective const centred(model, support::words(), pairs, {}, 0.1);
    CHECK(centred.loss({0, 1, 2}).total.item<double>() == Approx(loss + 0.1 * squares).epsilon(1e-10));
    CHECK_FALSE(centred.can_evaluate());
    preference_objective measured(model, support::words(), pairs, pairs);
    at::NoGradGuard const no_gradient;
    single_process alone;
    for (std::int64_t const chunk : {1, 2, 64}) {
        auto const held_out = measured.evaluate(chunk, alone);
        CHECK(*held_out.find("eval/loss") == Approx(loss / 3.0).epsilon(1e-10));
        CHECK(*held_out.find("eval/calibration_error") == Approx(run::calibration_error(margins)).epsilon(1e-9));
    }
}

TEST_CASE("reward_head_deviation: a new head is drawn from N(0, 1 / sqrt(H + 1)), as the N+ paper does") {
    auto config = support::config_for_words();
    config["hidden_size"] = 1200;
    config["num_hidden_layers"] = 1;
    auto const lm = make_causal_lm(config, 1);
    double const deviation = reward_head_deviation(*lm.body);
    CHECK(deviation == Approx(1.0 / std::sqrt(1201.0)));
    auto const head = make_sequence_classifier(*lm.body, lm.config, 7, deviation).score;
    CHECK(head.std().item<double>() == Approx(deviation).epsilon(0.1));
    CHECK(std::abs(head.mean().item<double>()) < 4.0 * deviation / std::sqrt(1200.0));
    CHECK(make_sequence_classifier(*lm.body, lm.config, 7).score.std().item<double>() == Approx(0.4).epsilon(0.1));
}
