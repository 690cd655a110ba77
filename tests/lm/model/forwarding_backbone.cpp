// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/model/forwarding_backbone.hpp>
#include <proximal/lm/model/make_model.hpp>

#include "../../support/tiny_model.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal::lm;

namespace {
/// What a wrapper costs to write: it notes the layers that ran.
struct noting_backbone final : forwarding_backbone {
    using forwarding_backbone::forwarding_backbone;
    mutable std::vector<std::size_t> layers;
    at::Tensor run_layer(std::size_t index, at::Tensor const& x, token_batch const& tokens,
                         kv_cache* cache) const override {
        layers.push_back(index);
        return of_->run_layer(index, x, tokens, cache);
    }
};
}  // namespace

TEST_CASE("forwarding_backbone: it is the other in everything, with a cache too") {
    auto const model = support::tiny_model();
    forwarding_backbone const same(model.body);
    auto const tokens = pack_tokens({{4, 9}, {3, 5, 7}});
    at::NoGradGuard const guard;
    CHECK(same.forward(tokens).equal(model.body->forward(tokens)));
    CHECK(same.forward_around(plain_call{}, tokens).equal(model.body->forward(tokens)));
    auto here = same.make_cache(2, 5), there = model.body->make_cache(2, 5);
    CHECK(here.keys.at(0).sizes().equals(there.keys.at(0).sizes()));
    CHECK(same.forward(tokens, &here).equal(model.body->forward(tokens, &there)));
    CHECK(here.values[1].equal(there.values[1]));
    CHECK(same.hidden_size() == model.body->hidden_size());
    CHECK(same.vocabulary_size() == model.body->vocabulary_size());
    CHECK(same.max_positions() == model.body->max_positions());
    CHECK(&same.parameters() == &model.body->parameters());
    CHECK(same.token_embedding().is_same(model.body->token_embedding()));
    CHECK(typeid(*same.rebuild(copied(model.body->parameters()))) == typeid(*model.body));
}

TEST_CASE("forwarding_backbone: what a wrapper overrides is what runs where layers are called one by one") {
    auto const model = support::tiny_model();
    noting_backbone const noting(model.body);
    at::NoGradGuard const guard;
    noting.forward_around(plain_call{}, pack_tokens({{4, 9}}));
    CHECK((noting.layers == std::vector<std::size_t>{0, 1}));
}
