// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/train/check_aliases.hpp>
#include <string>

#include "../../support/tiny_model.hpp"

using namespace proximal::lm;

namespace {
/// What is said of a policy that learns and another model; empty where nothing is.
std::string said(causal_lm const& policy, training_model const& other) {
    try {
        check_aliases({{"policy", policy.parameters(), chosen_for_training(policy)}, other});
    } catch (std::invalid_argument const& error) {
        return error.what();
    }
    return "";
}
}  // namespace

TEST_CASE("check_aliases: a tensor that a model learns belongs to it alone") {
    auto const policy = support::tiny_model();
    CHECK(said(policy, {"ref_policy", clone(policy).parameters()}).empty());
    CHECK(said(policy, {"ref_policy", policy.parameters()}) ==
          "ref_policy shares gpt_neox.embed_in.weight with policy, which learns it: give a model of its own as "
          "ref_policy, clone(...)");
    // One tensor is enough, whichever of the two learns it.
    auto one = clone(policy);
    one.lm_head = policy.lm_head;
    CHECK_THAT(said(policy, {"ref_policy", one.parameters()}), Catch::StartsWith("ref_policy shares embed_out.weight"));
    sequence_classifier const critic{policy.body, at::ones({1, 12}, at::kDouble), policy.config};
    CHECK_THAT(said(policy, {"value_model", critic.parameters(), chosen_for_training(critic)}),
               Catch::StartsWith("value_model shares gpt_neox.embed_in.weight with policy"));
    // A view of a tensor is that tensor.
    CHECK_FALSE(said(policy, {"x", {{"y", parameter_kind::matrix, policy.lm_head.narrow(0, 2, 3)}}}).empty());
}

TEST_CASE("check_aliases: what is frozen may be shared, and models that do not learn may be one") {
    auto const policy = support::tiny_model();
    sequence_classifier const critic{policy.body, at::ones({1, 12}, at::kDouble), policy.config};
    policy.lm_head.set_requires_grad(true);  // the heads alone learn
    CHECK_FALSE(said(policy, {"value_model", critic.parameters(), chosen_for_training(critic)}).empty());
    critic.score.set_requires_grad(true);
    CHECK(said(policy, {"value_model", critic.parameters(), chosen_for_training(critic)}).empty());
    CHECK(said(policy, {"ref_policy", critic.parameters()}).empty());
    CHECK_NOTHROW(check_aliases({{"ref_policy", policy.parameters()}, {"reward_model", policy.parameters()}}));
}

TEST_CASE("check_aliases: the models behind a reward are seen, through a sum too") {
    auto const policy = support::tiny_model();
    auto const judge = make_sequence_classifier(*policy.body, policy.config, 4);
    auto const seen = models_behind(weighted_reward({{1.0, [](auto const&) { return reward_scores(at::zeros({1})); }},
                                                     {0.5, weighted_reward({{2.0, model_reward(judge)}})}}));
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].score.is_same(judge.score));
    CHECK(models_behind(model_reward(judge)).size() == 1);
    CHECK(models_behind([](auto const&) { return reward_scores(at::zeros({1})); }).empty());
    CHECK(models_behind({}).empty());
}
