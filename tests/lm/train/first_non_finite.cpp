// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <proximal/lm/train/first_non_finite.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>

#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;

namespace {

/// A shaper, an estimator and a loss that each make a number of no number.
struct late_toll {
    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> x) const {
        x.rewards = x.rewards - x.mask / (row_sum_less(x) * x.mask);
        return x;
    }
    template <class Array>
    static constexpr Array row_sum_less(rollout<Array> const& x) {
        return spread(row_sum(x.mask) * 0.0, x.mask);
    }
};
struct broken_estimator {
    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& x) const {
        return {x, x.rewards + log(x.mask - 2.0), x.rewards};
    }
};
struct broken_loss {
    constexpr auto operator()(Token auto const& token) const {
        auto const loss = token.advantage * log(token.log_ratio - 1.0);
        return with(loss, metric<"loss/policy_avg">(loss));
    }
};
std::string told(trainable const& algorithm, reward_function const& reward = {}) {
    auto given = support::arguments(support::small_config());
    if (reward) given.reward_model = reward;
    ppo_trainer trainer(algorithm, given);
    try {
        trainer.step();
    } catch (std::runtime_error const& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("first_non_finite: a shaper, an estimator, a loss or a reward is named, with the row") {
    CHECK_THAT(told(algorithm{chain(kl_penalty<k1>{}, late_toll{}, terminal_score{}), gae{}, clipped_surrogate{}}),
               Catch::Contains("the rewards of row 1 are") && Catch::Contains("the part late_toll made them so"));
    CHECK_THAT(told(algorithm{terminal_score{}, broken_estimator{}, clipped_surrogate{}}),
               Catch::Contains("the advantages of row 1 are nan: the part broken_estimator made them so"));
    CHECK_THAT(told(algorithm{terminal_score{}, gae{}, broken_loss{}}),
               Catch::Contains("the loss became") && Catch::Contains("(loss/policy_avg is"));
    CHECK_THAT(told(algorithm{terminal_score{}, gae{}, clipped_surrogate{}},
                    [](std::vector<finished_episode> const& e) {
                        return at::full({static_cast<std::int64_t>(e.size())}, std::nan(""));
                    }),
               Catch::Contains("a score that is not finite"));
}

TEST_CASE("first_non_finite: what does not count is not looked at") {
    auto const nan = std::numeric_limits<double>::quiet_NaN();
    libtorch::field const x = at::tensor({1.0, nan, 2.0, nan}, at::kDouble).view({2, 2});
    libtorch::field const mask = at::tensor({1.0, 0.0, 1.0, 0.0}, at::kDouble).view({2, 2});
    CHECK(row_not_finite("rewards", x, mask).empty());
    CHECK(row_not_finite("rewards", x) == "the rewards of row 1 are nan");
    CHECK(row_not_finite("rewards", libtorch::field{}).empty());
    CHECK(row_not_finite("scores", at::tensor({1.0, -std::numeric_limits<double>::infinity()}, at::kDouble)) ==
          "the scores of row 2 are -inf");
}
