// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/model/hosted_parameters.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/hosted_reward.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/train/check_aliases.hpp>

#include "../../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

TEST_CASE("hosted_parameters: they are there while somebody holds them, and read as NaN else") {
    at::NoGradGuard const no_gradient;
    auto const model = support::tiny_model(support::config_for_words());
    auto const tokens = pack_tokens({{1, 2, 3}, {4, 5}});
    auto const expected = at::linear(model.body->forward(tokens), model.lm_head);
    auto const shape = model.lm_head.sizes().vec();
    auto const hosted = std::make_shared<hosted_parameters>(model.parameters());
    for (auto const& parameter : model.parameters()) {
        CHECK(at::isnan(parameter.tensor).all().item<bool>());
        CHECK(parameter.tensor.storage().nbytes() == static_cast<std::size_t>(parameter.tensor.element_size()));
    }
    CHECK(model.lm_head.sizes().vec() == shape);
    {
        held_on_device const held(hosted);
        held_on_device const again(hosted);
        CHECK(at::equal(at::linear(model.body->forward(tokens), model.lm_head), expected));
    }
    CHECK(at::isnan(model.lm_head).all().item<bool>());
    held_on_device const nothing(nullptr);
}

TEST_CASE("hosted_parameters: a model is whole again when they end") {
    at::NoGradGuard const no_gradient;
    auto const model = support::tiny_model(support::config_for_words());
    auto const head = model.lm_head.clone();
    { hosted_parameters const hosted(model.parameters()); }
    CHECK(at::equal(model.lm_head, head));
}

TEST_CASE("hosted_reward: scores are the model's, which a trainer still sees") {
    auto const model = support::tiny_model(support::config_for_words());
    auto const judge = make_sequence_classifier(*model.body, model.config, 4);
    std::vector<finished_episode> episodes(2);
    episodes[0].query = {1, 2};
    episodes[0].response = {3};
    episodes[1].query = {4};
    auto const plain = model_reward(judge);
    auto const expected = plain(episodes).scores;
    auto const hosted = hosted_reward(plain, judge.parameters());
    CHECK(at::isnan(judge.score).all().item<bool>());
    CHECK(at::equal(hosted(episodes).scores, expected));
    CHECK(models_behind(hosted).size() == 1);
    CHECK(at::isnan(judge.score).all().item<bool>());
}
