// SPDX-License-Identifier: Apache-2.0
#include "recorded.hpp"

using namespace proximal;
using namespace reference;

// verl's response_mask is our mask and our value_mask too: it scores a response's last token, and has no step after it.
namespace {

library const& verl() {
    static library const recorded("verl");
    return recorded;
}
rollout<array> rollout_of_verl(std::string const& mask_name = "mask") {
    array const mask = verl().input(mask_name);
    return {.logprobs = verl().input("old_logprobs"),
            .ref_logprobs = verl().input("ref_logprobs"),
            .values = verl().input("values"),
            .rewards = verl().input("rewards"),
            .mask = mask,
            .value_mask = mask,
            .baseline_scores = verl().input("baseline_scores")};
}
/// The same with a score on each response's last token as its only reward.
rollout<array> scored(std::string const& scores) {
    auto result = rollout_of_verl();
    result.rewards = 0.0 * result.mask;
    result.scores = verl().input(scores);
    return terminal_score_at_eos{}(result);
}
array within(array const& mask, array const& x) { return select(mask, x, 0.0); }
prediction<array> now() { return {.logprobs = verl().input("logprobs"), .values = verl().input("new_values")}; }

/// sequence_mean_token_mean with 1e-8 beside the length, which is all that verl's differs by.
struct their_sequence_mean {
    template <class Array>
    constexpr Array operator()(Array const& mask) const {
        Array const length = row_sum(mask);  // [B]
        return mask / spread(length + 1e-8, mask) / sum(min(length, 1.0));
    }
};

/// Loss and slopes; the share that was clipped, which verl counts in float32.
void check_policy_loss(recorded_case const& c, auto const& loss, auto const& mean) {
    experience<array> then{rollout_of_verl()};
    then.advantages = verl().input(c.text("advantages"));
    if (then.advantages.cells.cols() == 1) then.advantages = spread(then.advantages, then.mask);
    auto const judged = judge(loss, mean, then, now());
    CHECK(apart(judged.loss, c.number("loss")) < tolerance);
    CHECK(apart(judged.gradient.logprobs, c.result("d_logprobs")) < tolerance);
    if (auto const clipped = measured_share("policy/clipfrac_avg", loss, token_mean{}, then, now());
        !std::isnan(clipped))
        CHECK(clipped == Approx(c.number("clipfrac")).epsilon(1e-6));
}

}  // namespace

TEST_CASE("verl: gae without holes, masked_gae with them, and whitening") {
    verl().each("compute_gae_advantage_return", [](recorded_case const& c) {
        auto const check = [&](auto const& ours, rollout<array> const& rollout) {
            auto const judged = ours(rollout);
            array const& mask = rollout.mask;
            CHECK(apart(within(mask, judged.returns), within(mask, c.result("returns"))) < tolerance);
            array const whitened = whiten{}(judged).advantages;
            CHECK(apart(whitened, within(mask, c.result("whitened"))) < with_their_epsilon);
        };
        double const gamma = c.number("gamma"), lam = c.number("lam");
        check(masked_gae{gamma, lam}, rollout_of_verl(c.text("mask")));
        if (c.text("mask") == "mask") check(gae{gamma, lam}, rollout_of_verl());
    });
    verl().each("masked_whiten", [](recorded_case const& c) {
        experience<array> judged{rollout_of_verl()};
        judged.advantages = verl().input("advantages");
        array const ours = c.flag("shift_mean") ? whiten{}(judged).advantages
                                                : standardise<of_batch, kept_mean, unbiased>{}(judged).advantages;
        CHECK(apart(ours, within(judged.mask, c.result("whitened"))) < with_their_epsilon);
    });
}

TEST_CASE("verl: group baselines") {
    auto const same = [](recorded_case const& c, auto const& ours, double near = tolerance) {
        CHECK(apart(ours(scored(c.text("scores"))).advantages, c.result("advantages")) < near);
    };
    verl().each("compute_grpo_outcome_advantage", [&](recorded_case const& c) {
        if (c.flag("norm_adv_by_std_in_grpo")) {
            REQUIRE(c.number("epsilon") == 1e-4);  // ours; verl's default is 1e-6
            same(c, grpo{4});
        } else {
            same(c, dr_grpo{4});
        }
    });
    verl().each("compute_rloo_outcome_advantage", [&](recorded_case const& c) { same(c, rloo{4}); });
    verl().each("compute_opo_outcome_advantage", [&](recorded_case const& c) { same(c, opo{4}); });
    verl().each("compute_reinforce_plus_plus_baseline_outcome_advantage", [&](recorded_case const& c) {
        same(c, reinforce_plus_plus_baseline{dr_grpo{4}, whiten{}}, with_their_epsilon);
    });
}

TEST_CASE("verl: pass_at_k, which verl may divide by the group's σ as grpo does") {
    verl().each("compute_grpo_passk_outcome_advantage", [](recorded_case const& c) {
        auto const rollout = scored(c.text("scores"));
        array const ours = pass_at_k{4}(rollout).advantages, theirs = c.result("advantages");
        if (!c.flag("norm_adv_by_std_in_grpo")) CHECK(apart(ours, theirs) < tolerance);
        else CHECK(apart(ours * grpo{4}(rollout).advantages, theirs * dr_grpo{4}(rollout).advantages) < tolerance);
    });
}

TEST_CASE("verl: gpg, where verl counts the rewards that are not 0 and the paper the groups that teach") {
    verl().each("compute_gpg_outcome_advantage", [](recorded_case const& c) {
        array const theirs = c.result("advantages"), ours = gpg{4}(scored(c.text("scores"))).advantages;
        auto const name = c.text("scores");
        // of 8 rows all teach and are not 0; or 4 teach, of which 3 or 2 are not 0
        double const scale = name == "right" ? 4.0 / 3.0 : name == "partly_right" ? 4.0 / 2.0 : 1.0;
        CHECK(apart(scale * ours, theirs) < tolerance);
    });
}

TEST_CASE("verl: reinforce_plus_plus and remax") {
    verl().each("compute_reinforce_plus_plus_outcome_advantage", [](recorded_case const& c) {
        if (c.text("mask") != "mask") return;  // below
        auto const judged = reinforce_plus_plus{discounted_returns{c.number("gamma")}, whiten{}}(rollout_of_verl());
        CHECK(apart(judged.returns, c.result("returns")) < tolerance);
        CHECK(apart(judged.advantages, c.result("advantages")) < with_their_epsilon);
    });
    verl().each("compute_remax_outcome_advantage", [](recorded_case const& c) {
        auto const judged = remax{}(rollout_of_verl());
        CHECK(apart(judged.advantages, c.result("advantages")) < tolerance);
        CHECK(apart(judged.returns, c.result("returns")) < tolerance);
    });
}

TEST_CASE("verl: over holes discounted_returns is masked_gae with λ = 1 and no values, for time passes in it") {
    verl().each("compute_reinforce_plus_plus_outcome_advantage", [](recorded_case const& c) {
        auto rollout = rollout_of_verl(c.text("mask"));
        rollout.values = 0.0 * rollout.mask;
        auto const judged = chain(masked_gae{c.number("gamma"), 1.0}, whiten{})(rollout);
        CHECK(apart(judged.returns, c.result("returns")) < tolerance);
        CHECK(apart(judged.advantages, c.result("advantages")) < with_their_epsilon);
        auto const ours = within(rollout.mask, discounted_returns{c.number("gamma")}(rollout).returns);
        bool const differs = c.text("mask") == "mask_with_holes" && c.number("gamma") < 1.0;
        CHECK((apart(ours, c.result("returns")) > 1e-3) == differs);
    });
}

TEST_CASE("verl: aggregations; under Dr. GRPO's every row counts, as in its paper, where verl leaves empty ones out") {
    verl().each("agg_loss", [](recorded_case const& c) {
        array const mask = verl().input(c.text("mask")), losses = verl().input("advantages");
        double const filled = sum(min(row_sum(mask), 1.0))(0, 0), all = static_cast<double>(mask.cells.rows());
        REQUIRE((filled < all) == (c.text("mask") == "mask_with_empty_rows"));
        auto const check = [&](array const& weights, double near = tolerance) {
            CHECK(apart(weights, c.result("weights")) < near);
            CHECK(apart(sum(weights * losses), c.result("loss")) < near);
        };
        auto const mode = c.text("mode");
        if (mode == "token-mean") check(token_mean{}(mask));
        else if (mode == "seq-mean-token-sum") check(sequence_mean_token_sum{}(mask));
        else if (mode == "seq-mean-token-mean")
            check(their_sequence_mean{}(mask)), check(sequence_mean_token_mean{}(mask), with_their_epsilon);
        else check(all / filled * token_sum{.length = c.number("loss_scale_factor")}(mask));
    });
}

TEST_CASE("verl: KL estimators and their slopes") {
    array const logprobs = verl().input("logprobs"), ref_logprobs = verl().input("ref_logprobs");
    auto const check = [&](recorded_case const& c, auto const& estimator) {
        array kl = 0.0 * logprobs, slope = kl;
        for (Eigen::Index i = 0; i < kl.cells.size(); ++i) {
            using now = number<double, 1>;
            now const x = estimator(now::variable<0>(logprobs.cells.data()[i]), now(ref_logprobs.cells.data()[i]));
            kl.cells.data()[i] = x.value, slope.cells.data()[i] = x.partials[0];
        }
        CHECK(apart(kl, c.result("kl")) < tolerance);
        CHECK(apart(slope, c.result("d_logprobs")) < tolerance);
    };
    verl().each("kl_penalty", [&](recorded_case const& c) {
        auto const kind = c.text("kind");
        if (kind == "k1") check(c, k1{});
        else if (kind == "k2") check(c, k2{});
        else if (kind == "k3") check(c, k3{});
        else if (kind == "abs") check(c, absolute{});
        else if (kind == "k3+") check(c, straight_through<k3>{});
        else FAIL("nothing compares " << kind);
    });
}

TEST_CASE("verl: policy losses, their slopes and what they clip") {
    verl().each("policy_loss", [](recorded_case const& c) {
        auto const name = c.text("name");
        auto const low = [&] { return c.number("clip_ratio_low"); };
        auto const high = [&] { return c.number("clip_ratio_high"); };
        if (name == "vanilla") {
            dual_clip const ours{low(), high(), c.number("clip_ratio_c")};
            if (c.text("mode") == "token-mean") {
                check_policy_loss(c, ours, token_mean{});
                experience<array> then{rollout_of_verl()};
                then.advantages = verl().input("advantages");
                double const clipped = measured_share("policy/dual_clipfrac_avg", ours, token_mean{}, then, now());
                CHECK(clipped > 0.0);
                CHECK(clipped == Approx(c.number("clipfrac_lower")).epsilon(1e-6));
            } else {  // recorded with a ceiling that nothing reaches
                check_policy_loss(c, ours, sequence_mean_token_sum{});
                check_policy_loss(c, clip_higher{low(), high()}, sequence_mean_token_sum{});
                check_policy_loss(c, clipped_surrogate{high()}, sequence_mean_token_sum{});
            }
        } else if (name == "gspo" && c.text("mode") == "token-mean") {
            check_policy_loss(c, gspo{low(), high()}, token_mean{});
        } else if (name == "gspo") {
            check_policy_loss(c, gspo{low(), high()}, their_sequence_mean{});
        } else if (name == "geo_mean") {
            // verl's clipfrac counts tokens that keep their slope too, and takes the two signs of Â apart
            experience<array> then{rollout_of_verl()};
            then.advantages = spread(verl().input("row_advantages"), then.mask);
            auto const judged = judge(gmpo{low(), high()}, sequence_mean_token_mean{}, then, now());
            CHECK(apart(judged.loss, c.number("loss")) < with_their_epsilon);
            CHECK(apart(judged.gradient.logprobs, c.result("d_logprobs")) < with_their_epsilon);
        } else if (name == "cispo") {
            check_policy_loss(c, cispo{low(), high()}, token_mean{});
        } else if (name == "sapo") {
            check_policy_loss(c, sapo{c.number("tau_pos"), c.number("tau_neg")}, their_sequence_mean{});
        } else if (name == "gpg") {
            check_policy_loss(c, reinforce{}, token_mean{});
        } else {
            FAIL("nothing compares " << name);
        }
    });
}

TEST_CASE("verl: clipped_value") {
    verl().each("compute_value_loss", [](recorded_case const& c) {
        experience<array> then{rollout_of_verl()};
        then.advantages = 0.0 * then.mask;
        then.returns = verl().input("returns");
        clipped_value const ours{.vf_coef = 1.0, .cliprange_value = c.number("cliprange_value")};
        auto const judged = judge(ours, token_mean{}, then, now());
        CHECK(apart(judged.loss, c.number("loss")) < tolerance);
        CHECK(apart(judged.gradient.values, c.result("d_values")) < tolerance);
    });
}
