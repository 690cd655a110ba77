// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/early_stopping.hpp>
#include <proximal/run/ppo_config.hpp>
#include <vector>

using namespace proximal::run;

namespace {
/// The evaluation, counted from 1, that ends a run; 0: none does.
int ends_after(std::vector<double> const& values, PPOv2Config const& config, std::int64_t patience, double threshold) {
    watched_metric const watched(config);
    early_stopping listener(watched, patience, threshold);
    trainer_state state;
    for (std::size_t i = 0; i < values.size(); ++i) {
        metrics measured;
        measured.set(watched.name, values[i]);
        listener.on_evaluate(state, measured);
        if (state.should_stop) return static_cast<int>(i) + 1;
    }
    return 0;
}
}  // namespace

TEST_CASE("early_stopping: ends after `patience` evaluations that were no better than the best") {
    CHECK(ends_after({1, 2, 3, 2.5, 2.9}, {}, 2, 0.0) == 5);
    CHECK(ends_after({1, 2, 1.5, 2.5, 2.4}, {}, 2, 0.0) == 0);  // a better one begins anew
    CHECK(ends_after({1, 1.05, 1.09}, {}, 2, 0.1) == 3);        // not by more than the threshold
    PPOv2Config falling;
    falling.metric_for_best_model = "eval_kl";
    CHECK(ends_after({3, 2, 1, 1.5, 1.5}, falling, 2, 0.0) == 5);
    falling.greater_is_better = true;
    CHECK(ends_after({3, 2, 1}, falling, 2, 0.0) == 3);
}
