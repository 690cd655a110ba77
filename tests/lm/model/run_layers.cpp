// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

#include "../../support/tiny_model.hpp"

using namespace proximal::lm;

TEST_CASE("run_layers: a wrapper is around every layer once, in order, and may change what it gives") {
    auto const model = support::tiny_model();
    auto const tokens = pack_tokens({{4, 9}, {3, 5, 7}});
    std::vector<std::size_t> seen;
    auto const counting = [&](std::size_t i, auto const& layer, at::Tensor const& x) {
        seen.push_back(i);
        CHECK(layer.index == i);
        return layer(x);
    };
    auto const plain = model.body->forward(tokens);
    CHECK(model.body->forward_around(counting, tokens).equal(plain));
    CHECK(seen == std::vector<std::size_t>{0, 1});
    REQUIRE(model.body->layer_count() == 2);
    // From outside: embed, run, finish are all that forward is.
    auto const x = model.body->embed(tokens);
    CHECK(model.body->finish(run_layers(*model.body, tokens, x)).equal(plain));
    auto const skipping = [](std::size_t, auto const&, at::Tensor const& y) { return y; };
    CHECK(run_layers(*model.body, tokens, x, nullptr, skipping).equal(x));
    CHECK_FALSE(model.body->finish(x).equal(plain));
}

TEST_CASE("run_layers: a batch of no tokens passes every layer and gives no rows, in value and gradient") {
    auto const model = support::tiny_model();
    auto const tokens = pack_tokens({{}, {}});
    std::size_t seen = 0;
    auto const counting = [&](std::size_t, auto const& layer, at::Tensor const& x) {
        ++seen;
        return layer(x);
    };
    auto const hidden = model.body->forward_around(counting, tokens);
    CHECK((hidden.sizes() == at::IntArrayRef{0, 12}));
    CHECK(seen == 2);
    CHECK((model.logits(hidden).sizes() == at::IntArrayRef{0, 23}));
    set_requires_grad(model, true);
    model.logits(model.body->forward(tokens)).sum().backward();
    for (auto const& parameter : model.parameters()) {
        CAPTURE(parameter.name);
        if (parameter.tensor.grad().defined()) CHECK(parameter.tensor.grad().eq(0.0).all().item<bool>());
    }
    auto const grid = at::full({2, 3}, 7, at::kLong);
    CHECK(model.body->forward(pack_tokens(grid, at::zeros({2, 3}, at::kBool))).size(0) == 0);
    at::NoGradGuard const guard;
    auto cache = model.body->make_cache(2, 4);
    CHECK(model.body->forward(tokens, &cache).size(0) == 0);
}
