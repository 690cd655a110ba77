// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "../../support/tiny_model.hpp"

using namespace proximal::lm;

TEST_CASE("trainable: all of a model learns where nobody chose, and else what was chosen") {
    auto const model = support::tiny_model();
    CHECK(model.trainable_parameters().empty());
    CHECK(chosen_for_training(model).size() == 28);
    CHECK(begin_training(model));
    CHECK(model.trainable_parameters().size() == 28);
    CHECK_FALSE(begin_training(model));

    auto const critic = make_sequence_classifier(*model.body, model.config, 9);
    critic.score.set_requires_grad(true);
    CHECK_FALSE(begin_training(critic));
    REQUIRE(critic.trainable_parameters().size() == 1);
    CHECK(critic.trainable_parameters()[0].name == "score.weight");
    CHECK(chosen_for_training(critic).size() == 1);
    CHECK_FALSE(critic.body->token_embedding().requires_grad());
    set_requires_grad(critic, true);
    CHECK(critic.trainable_parameters().size() == critic.parameters().size());
    set_requires_grad(critic, false);
    CHECK(critic.trainable_parameters().empty());
}
