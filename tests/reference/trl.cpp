// SPDX-License-Identifier: Apache-2.0
#include "recorded.hpp"

using namespace proximal;
using namespace reference;

// The losses of TRL's later trainers; those of v0.11.4's PPO are what tests/parity replays.
namespace {

library const& trl() {
    static library const recorded("trl");
    return recorded;
}

void check(recorded_case const& c, auto const& loss, auto const& mean) {
    array const mask = trl().input("mask"), old_logprobs = trl().input("old_logprobs");
    experience<array> then{
        {.logprobs = old_logprobs, .ref_logprobs = trl().input("ref_logprobs"), .mask = mask, .value_mask = mask}};
    then.advantages = spread(trl().input("row_advantages"), mask);
    auto const judged =
        judge(loss, mean, then, {.logprobs = c.flag("at_old") ? old_logprobs : trl().input("logprobs")});
    if (!c.flag("at_old")) CHECK(apart(judged.loss, c.number("loss")) < tolerance);
    CHECK(apart(judged.gradient.logprobs, c.result("d_logprobs")) < tolerance);
}

}  // namespace

TEST_CASE("TRL: GRPO's losses and their slopes") {
    trl().each("GRPOTrainer._compute_loss", [](recorded_case const& c) {
        auto const type = c.text("loss_type");
        double const low = c.number("epsilon_low"), high = c.number("epsilon_high");
        if (type == "cispo") {  // epsilon_high is the cap itself, and there is no lower one
            check(c, cispo{1.0, high - 1.0}, token_mean{});
        } else if (type == "sapo") {
            check(c, sapo{c.number("tau_pos"), c.number("tau_neg")}, sequence_mean_token_mean{});
        } else if (c.text("level") == "sequence") {
            check(c, gspo{low, high}, sequence_mean_token_mean{});
        } else if (!c.fields.at("delta").is_null()) {
            check(c, two_sided_clip{low, high, c.number("delta")}, sequence_mean_token_mean{});
        } else if (c.number("beta") != 0.0) {
            check(c, total(clip_higher{low, high}, kl_loss<k3>{c.number("beta")}), sequence_mean_token_mean{});
        } else if (type == "grpo") {
            check(c, clip_higher{low, high}, sequence_mean_token_mean{});
        } else if (type == "bnpo" || type == "dapo") {  // dapo counts the tokens of all processes: here there is one
            check(c, clip_higher{low, high}, token_mean{});
        } else if (type == "dr_grpo") {
            check(c, clip_higher{low, high}, token_sum{.length = c.number("max_completion_length")});
        } else {
            FAIL("nothing compares " << type);
        }
    });
}

TEST_CASE("TRL: GMPO's loss and its slope") {
    trl().each("GMPOTrainer._compute_loss", [](recorded_case const& c) {
        check(c, gmpo{c.number("epsilon_low"), c.number("epsilon_high")}, sequence_mean_token_mean{});
    });
}

TEST_CASE(
    "TRL: RLOO's slope where the policy is the one that sampled; its loss is another, the ratio of whole responses") {
    trl().each("RLOOTrainer._compute_loss",
               [](recorded_case const& c) { check(c, reinforce{}, sequence_mean_token_sum{}); });
}
