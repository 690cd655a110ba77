// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/program.hpp>

using proximal::run::named_lines;

TEST_CASE("run_main: what went wrong is told with the program's name, each of several things on a line") {
    CHECK(named_lines("ppo", "one thing") == "ppo: one thing\n");
    CHECK(named_lines("ppo", "one\ntwo\nthree") == "ppo: one\nppo: two\nppo: three\n");
    CHECK(named_lines("ppo", "") == "ppo: \n");
}
