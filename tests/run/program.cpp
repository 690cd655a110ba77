// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <proximal/run/program.hpp>
#include <string>

using proximal::run::named_lines;

TEST_CASE("run_main: what went wrong is told with the program's name, each of several things on a line") {
    CHECK(named_lines("ppo", "one thing") == "ppo: one thing\n");
    CHECK(named_lines("ppo", "one\ntwo\nthree") == "ppo: one\nppo: two\nppo: three\n");
    CHECK(named_lines("ppo", "") == "ppo: \n");
}

TEST_CASE("run_main: an error of LibTorch's is told without the frames of where it was thrown") {
    std::string const thrown =
        "no GPU here\nException raised from f at a.cpp:1 (most recent call first):\nframe #0: f\n";
    CHECK(named_lines("ppo", thrown) == "ppo: no GPU here\n");
    ::setenv("TORCH_SHOW_CPP_STACKTRACES", "1", 1);
    CHECK(named_lines("ppo", thrown).find("ppo: frame #0: f\n") != std::string::npos);
    ::setenv("TORCH_SHOW_CPP_STACKTRACES", "0", 1);
    CHECK(named_lines("ppo", thrown) == "ppo: no GPU here\n");
    ::unsetenv("TORCH_SHOW_CPP_STACKTRACES");
}
