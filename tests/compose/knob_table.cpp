// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/proximal.hpp>

using namespace proximal;

namespace {
struct odd {
    bool on = true;
    long steps = 3;
    std::string way = "a|b";
    static constexpr auto knobs =
        reflect(knob<"on">(&odd::on, "one way | the other"), knob<"steps">(&odd::steps, "how many", above(0)),
                knob<"way">(&odd::way, "which"));
};
}  // namespace

TEST_CASE("knob_table: an algorithm's knobs in data-flow order, with the values it holds") {
    auto const ours = algorithm{chain(optionally(missing_eos_penalty{0.5}, false), kl_penalty<k3>{}), gae{.lam = 0.9},
                                total(weighted(2.0, clipped_surrogate{}))};
    CHECK(knob_table(ours) ==
          "| flag | default | accepts | meaning | part |\n|---|---|---|---|---|\n"
          "| `--missing_eos_penalty` | 0.5 | at least 0 | subtracted from the score when no EOS came | "
          "`missing_eos_penalty` |\n"
          "| `--kl_coef` | 0.05 | at least 0 | weight of the KL penalty | `kl_penalty` |\n"
          "| `--gamma` | 1 | in [0, 1] | discount of later rewards | `gae` |\n"
          "| `--lam` | 0.9 | in [0, 1] | 0: one-step bootstrap, 1: whole return | `gae` |\n"
          "| `--cliprange` | 0.2 | above 0 | half-width of the ratio clip | `clipped_surrogate` |\n");
}

TEST_CASE("knob_table: values of every kind, and a bar in a cell") {
    CHECK(knob_table(odd{}) ==
          "| flag | default | accepts | meaning | part |\n|---|---|---|---|---|\n"
          "| `--on` | true | true or false | one way \\| the other | `odd` |\n"
          "| `--steps` | 3 | above 0 | how many | `odd` |\n"
          "| `--way` | a\\|b | text | which | `odd` |\n");
    CHECK(knob_table(reinforce{}) == "| flag | default | accepts | meaning | part |\n|---|---|---|---|---|\n");
}
