// SPDX-License-Identifier: Apache-2.0
#include "../support/dense_rewards.hpp"

using namespace proximal;
using support::as, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("length_adaptive_lambda: hand numbers", "", BACKENDS) {
    auto const mask = grid<TestType>({{1, 1, 1, 1}, {1, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}});
    CHECK(difference(length_adaptive_lambda{.alpha = 1.0}(mask),
                     grid<TestType>({{0.75, 0.75, 0.75, 0.75}, {0.5, 0.5, 0.5, 0.5}, {0, 0, 0, 0}, {0, 0, 0, 0}})) ==
          0.0);
    CHECK(difference(length_adaptive_lambda{.alpha = 0.25}(mask), 0.0 * mask) == 0.0);
}

TEMPLATE_TEST_CASE("length_adaptive_lambda: every row is GAE with its own λ", "", BACKENDS) {
    auto const batch = support::dense_rewards();
    auto const judged = decoupled_gae<length_adaptive_lambda>{0.9, 1.0, {.alpha = 0.5}}(as<TestType>(batch));
    for (int b = 0; b < 26; ++b) {
        double const length = batch.mask.cells.row(b).sum(), lam = std::max(0.0, length > 0 ? 1.0 - 2.0 / length : 0.0);
        auto const alone = gae{.gamma = 0.9, .lam = lam}(rows(batch, std::vector<int>{b}));
        support::array const row = take_rows(support::read(judged.advantages), std::vector<int>{b});
        CHECK(difference(row, alone.advantages) < tolerance);
    }
}

TEST_CASE("length_adaptive_lambda: Eigen and tensors agree; a critic is needed, and its knob is decoupled_gae's λ") {
    support::check_judgement_on_backends(decoupled_gae<length_adaptive_lambda>{0.99, 1.0, {.alpha = 0.3}});
    std::vector<std::string> flags;
    auto vapo = decoupled_gae<length_adaptive_lambda>{};
    visit_knobs(vapo, [&](std::string_view, auto const& knob, auto&) { flags.emplace_back(knob.name); });
    CHECK(flags == std::vector<std::string>{"gamma", "critic_lam", "lambda_alpha"});
    STATIC_REQUIRE(needs_critic<support::judged_by<decoupled_gae<length_adaptive_lambda>>>);
}
