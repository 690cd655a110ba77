// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/distributed/reduce_metrics.hpp>

#include "../../support/thread_communicator.hpp"

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;

TEST_CASE("reduce_metrics: a mean over who has the number; a process that measured less neither hangs nor mixes") {
    std::vector<metrics> results(3);
    support::as_processes(3, [&](auto const& world) {
        metrics measured;
        measured.set("objective/kl", 1.0 + static_cast<double>(world->rank()));
        if (world->rank() != 1) measured.set("loss/policy_avg", 10.0 * static_cast<double>(world->rank()));
        measured.set("episode", 8.0);
        results[static_cast<std::size_t>(world->rank())] = reduce_metrics(measured, *world);
    });
    for (auto const& result : results) {
        CHECK(*result.find("objective/kl") == 2.0);
        CHECK(*result.find("loss/policy_avg") == 10.0);  // (0 + 20) / 2
        CHECK(*result.find("episode") == 8.0);
    }
    metrics alone;
    alone.set("x", 0.1);
    single_process one;
    CHECK(*reduce_metrics(alone, one).find("x") == 0.1);
}
