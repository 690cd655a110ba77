// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::array, support::as, support::column, support::grid;

namespace {

constexpr auto ppo_of_shapes = algorithm{chain(missing_eos_penalty{}, kl_penalty<k1>{}, terminal_score{}),
                                         chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};

/// An array as others may come: other steps, other rows, a number a row, or, of those, a row in place of a column.
template <class Array>
std::vector<std::pair<Array, std::string>> misshapen(extent counts) {
    if (counts == extent::row)
        return {{column<Array>({1, 0, 1}), "[3]"}, {grid<Array>({{1, 0, 1}, {0, 1, 1}}), "[2, 3]"}};
    return {{grid<Array>({{1, 0}, {1, 1}}), "[2, 2]"},
            {grid<Array>({{1, 0, 1}, {1, 1, 0}, {1, 1, 1}}), "[3, 3]"},
            {column<Array>({1, 0}), "[2]"}};
}

struct sums_rows {  // a shaper of a user's own whose arrays do not go together inside it
    constexpr auto operator()(auto rollout) const {
        rollout.rewards = rollout.rewards + row_sum(rollout.rewards);
        return rollout;
    }
};

}  // namespace

TEMPLATE_TEST_CASE("shapes: an array unlike its peers is refused with its name, its shape and the part that met it", "",
                   BACKENDS) {
    auto const batch = support::random_batch(2, 3, 1);
    auto const recorded = as<TestType>(batch.rollout);
    auto const then = ppo_of_shapes.evaluate(recorded);
    auto const now = as<TestType>(batch.now);
    int refused = 0;
    recorded_fields.for_each([&](auto field) {
        if (!needs(ppo_of_shapes).reads(field.id)) return;
        for (auto const& [wrong, shape] : misshapen<TestType>(field.counts)) {
            auto bad = recorded;
            field.of(bad) = wrong;
            std::string said;
            try {
                ppo_of_shapes.evaluate(bad);
            } catch (std::invalid_argument const& error) {
                said = error.what();
            }
            INFO(field.array << " " << shape << ": " << said);
            CHECK(said.find(" reads the rollout's ") != std::string::npos);
            CHECK(said.find(" is expected, ") != std::string::npos);
            if (field.counts != extent::everywhere)  // of masks the part meets two that differ
                CHECK(said.find("'s " + std::string(field.array) + " of shape " + shape + ": ") != std::string::npos);
            ++refused;
        }
    });
    CHECK(refused > 15);
    auto bad = recorded;
    bad.ref_logprobs = column<TestType>({1, 0});
    std::string const sentence =
        "proximal: kl_penalty reads the rollout's ref_logprobs of shape [2]: [2, 3] is expected, as of mask";
    CHECK_THROWS_WITH(ppo_of_shapes.evaluate(bad), sentence);
    auto learning = ppo_of_shapes;
    CHECK_THROWS_WITH(evaluate_and_adapt(learning, bad), sentence);
    CHECK_THROWS_WITH(ppo_of_shapes.shaper(bad), sentence);
    bad = recorded, bad.mask = grid<TestType>({{1, 0}, {1, 1}});
    CHECK_THROWS_WITH(ppo_of_shapes.evaluate(bad),
                      "proximal: kl_penalty reads the rollout's mask of shape [2, 2]: [2, 3] is "
                      "expected, as of logprobs");
    auto const reads_mask_alone =
        algorithm{chain(length_penalty{}, terminal_score{}), gae{}, total(clipped_surrogate{}, clipped_value{})};
    CHECK_THROWS_WITH(reads_mask_alone.evaluate(bad),
                      Catch::Contains("length_penalty reads the rollout's mask of shape [2, 2]: [2, 3] is expected"));
    bad = recorded, bad.baseline_scores = column<TestType>({1, 0, 1});  // no part reads it
    CHECK_NOTHROW(ppo_of_shapes.evaluate(bad));
    bad = recorded, bad.rewards = TestType(0.0);  // a scalar meets any shape
    CHECK(support::difference(ppo_of_shapes.evaluate(bad).returns, then.returns) == 0.0);

    auto worse = then;
    worse.advantages = column<TestType>({1, 0});
    CHECK_THROWS_WITH(ppo_of_shapes.loss(worse, now),
                      "proximal: clipped_surrogate reads the experience's advantages of shape "
                      "[2]: [2, 3] is expected, as of mask");
    auto fewer = now;
    fewer.values = grid<TestType>({{1, 0, 1}});
    CHECK_THROWS_WITH(ppo_of_shapes.loss(then, fewer),
                      "proximal: clipped_value reads the prediction's values of shape [1, 3]: "
                      "[2, 3] is expected, as of mask");
    worse = then, worse.ref_logprobs = column<TestType>({1, 0});
    CHECK_THROWS_WITH(ppo_of_shapes.loss(worse, now),
                      "proximal: total is given the rollout's ref_logprobs of shape [2]: [2, 3] "
                      "is expected, as of mask");
}

TEMPLATE_TEST_CASE("shapes: what an array refuses inside a part is told with the part's name", "", BACKENDS) {
    auto const recorded = as<TestType>(support::random_batch(3, 3, 1).rollout);
    CHECK_THROWS_WITH(chain(terminal_score{}, rloo{.group_size = 2})(recorded),
                      "proximal: rloo: 3 rows do not divide into groups of 2");
    CHECK_THROWS_WITH(chain(sums_rows{})(recorded), Catch::StartsWith("proximal: sums_rows: shapes "));
}

TEST_CASE("masks: 0 and 1, as numbers or bools; another number is refused with the array's and the part's name") {
    auto const batch = support::random_batch(5, 3, 1);
    auto recorded = batch.rollout;
    auto const then = ppo_of_shapes.evaluate(recorded);
    recorded.mask = array(recorded.mask.cells > 0.0);
    recorded.value_mask = array(recorded.value_mask.cells.cast<int>());
    recorded.has_eos = array((recorded.has_eos.cells > 0.0).cast<bool>());
    CHECK(support::difference(ppo_of_shapes.evaluate(recorded).advantages, then.advantages) == 0.0);
    recorded.mask = 255.0 * recorded.mask;
    CHECK_THROWS_WITH(ppo_of_shapes.evaluate(recorded),
                      "proximal: kl_penalty reads the rollout's mask, which holds 255 and may "
                      "hold 0 and 1 alone");
    recorded = batch.rollout, recorded.has_eos(1, 0) = support::NaN;
    CHECK_THROWS_WITH(ppo_of_shapes.evaluate(recorded),
                      Catch::Contains("missing_eos_penalty reads the rollout's has_eos, which "
                                      "holds nan"));
    auto const deaf = algorithm{terminal_score{}, gae{}, clipped_surrogate{}};
    CHECK_NOTHROW(deaf.evaluate(recorded));  // no part reads has_eos
    auto worse = then;
    worse.value_mask = 2.0 * worse.value_mask;
    CHECK_THROWS_WITH(ppo_of_shapes.loss(worse, batch.now),
                      "proximal: clipped_value reads the rollout's value_mask, which holds "
                      "2 and may hold 0 and 1 alone");
    CHECK_THROWS_WITH(eigen::loss_and_gradient(ppo_of_shapes, worse, batch.now),
                      Catch::Contains("clipped_value reads"));
}
