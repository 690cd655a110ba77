// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/saved_state.hpp>

#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;

namespace {

/// A listener with state: a moving mean of the score.
struct moving_mean final : trainer_callback {
    double mean = 0.0;
    void on_log(trainer_state&, metrics const& logged) override {
        mean = 0.5 * mean + *logged.find("objective/scores");
    }
    void visit_state(state_archive& archive) override { archive("mean", mean); }
};

/// A schedule that learns.
struct slowing {
    double rate = 1.0;
    double operator()(std::int64_t) { return rate *= 0.9; }
    void visit_state(state_archive& archive) { archive("rate", rate); }
};

/// A whole run's pieces, with everything in it that can learn.
struct run_of_ten {
    std::shared_ptr<moving_mean> listener = std::make_shared<moving_mean>();
    std::unique_ptr<ppo_trainer> trainer;
    std::vector<metrics> logged;

    run_of_ten() {
        auto config = support::small_config();
        config.total_episodes = 160;
        config.temperature = 1.3;
        auto given = support::arguments(config);
        given.callbacks = {listener};
        given.optimizers.schedule = slowing{};
        trainer = std::make_unique<ppo_trainer>(
            algorithm{chain(missing_eos_penalty{0.5}, running_scaling{},
                            controlled_kl_penalty<k1>{{.kl_coef = 0.1, .kl_target = 1e-3, .kl_horizon = 200.0}},
                            terminal_score{}),
                      chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})},
            given);
    }
    void steps(int count) {
        trainer_state state;
        for (int i = 0; i < count; ++i) {
            logged.push_back(trainer->step());
            listener->on_log(state, logged.back());
        }
    }
    saved_state save() {
        saved_state state;
        state_writer writer(state);
        trainer->visit_state(writer);
        return state;
    }
};

bool is_timing(std::string_view name) { return run::is_of_the_machine(name); }

}  // namespace

TEST_CASE(
    "visit_state: five updates, written and read into a fresh trainer, and five more are ten in a row, bit for bit") {
    run_of_ten whole, first, second;
    whole.steps(10);
    first.steps(5);
    saved_state const half = first.save();
    state_reader reader(half);
    second.trainer->visit_state(reader);
    reader.finish();
    second.steps(5);

    CHECK(second.trainer->state().update == 10);
    for (std::size_t i = 0; i < 5; ++i)
        for (auto const& [name, value] : whole.logged[5 + i]) {
            if (is_timing(name)) continue;
            INFO(name << " of update " << 6 + i);
            auto const* const resumed = second.logged[i].find(name);
            REQUIRE(resumed != nullptr);
            CHECK((*resumed == value || (std::isnan(*resumed) && std::isnan(value))));
        }
    CHECK(second.listener->mean == whole.listener->mean);
    auto ends = whole.save(), resumed = second.save();
    ends.erase("trainer/seconds"), resumed.erase("trainer/seconds");
    REQUIRE(ends.size() == resumed.size());
    for (auto const& [name, value] : ends) {
        INFO(name);
        bool const same = std::visit(
            [&](auto const& x) {
                using Value = std::remove_cvref_t<decltype(x)>;
                auto const& y = std::get<Value>(resumed.at(name));
                if constexpr (std::is_same_v<Value, saved_array>) return x.bytes == y.bytes;
                else return x == y;
            },
            value);
        CHECK(same);
    }
    // what was learnt is in it: without it the runs would part
    for (char const* name :
         {"cursor/order", "permutations", "algorithm/running_scaling/mean", "algorithm/adaptive_kl/factor",
          "schedule/rate", "callback/(anonymous namespace)::moving_mean/mean", "policy/embed_out.weight",
          "trainer/episode", "optimizer/policy.embed_out.weight/first_moment"})
        CHECK(half.contains(name));
}

TEST_CASE("visit_state: a state of another run is refused, naming what differs") {
    run_of_ten first;
    first.steps(1);
    auto const state = first.save();
    auto given = support::arguments(support::small_config());
    ppo_trainer other(algorithm{terminal_score{}, gae{}, total(clipped_surrogate{}, clipped_value{})}, given);
    state_reader reader(state);
    CHECK_NOTHROW(other.visit_state(reader));
    CHECK_THROWS_WITH(reader.finish(), Catch::Contains("which this run does not have"));
    auto fewer = state;
    fewer.erase("cursor/order");
    state_reader short_of(fewer);
    CHECK_THROWS_WITH(first.trainer->visit_state(short_of), Catch::Contains("holds no 'cursor/order'"));
}
