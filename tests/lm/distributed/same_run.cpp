// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/distributed/same_run.hpp>

#include "../../support/thread_communicator.hpp"

using namespace proximal::lm;

TEST_CASE("refuse_differences: the first thing that differs, with both texts, on all processes") {
    std::vector<std::string> said(3);
    auto const told = [&](auto const& identity_of) {
        support::as_processes(3, [&](auto const& world) {
            auto& own = said[static_cast<std::size_t>(world->rank())] = "";
            try {
                refuse_differences(identity_of(world->rank()), *world);
            } catch (std::invalid_argument const& error) {
                own = error.what();
            }
        });
        CHECK(said[1] == said[0]);
        CHECK(said[2] == said[0]);
        return said[0];
    };
    CHECK(told([](auto) { return run_identity{{"--seed", "1"}}; }).empty());
    CHECK(told([](auto rank) {
              return run_identity{{"--seed", rank == 2 ? "2" : "1"}, {"--lam", "1"}};
          }) ==
          "--seed is 1 on process 0 and 2 on process 2: start all processes with the same command and the same files");
    CHECK_THAT(told([](auto rank) {
                   return rank == 1 ? run_identity{{"the reference model", "x"}} : run_identity{};
               }),
               Catch::Contains("the reference model is absent on process 0 and x on process 1"));
}
