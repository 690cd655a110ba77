// SPDX-License-Identifier: Apache-2.0
#include <torch/csrc/autograd/custom_function.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <functional>
#include <vector>

#include "../../support/tiny_model.hpp"

using namespace proximal::lm;

namespace {
/// A layer whose activations are dropped, and computed again when its gradient is due.
struct recomputed : torch::autograd::Function<recomputed> {
    using function = std::function<at::Tensor(at::Tensor const&)>;
    static std::vector<function>& layers() {
        static std::vector<function> all;
        return all;
    }
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor const& x, function const& layer) {
        context->save_for_backward({x});
        context->saved_data["layer"] = static_cast<std::int64_t>(layers().size());
        layers().push_back(layer);
        return layer(x);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        at::AutoGradMode const on(true);
        auto const x = context->get_saved_variables()[0].detach().requires_grad_();
        auto const& layer = layers().at(static_cast<std::size_t>(context->saved_data["layer"].toInt()));
        torch::autograd::backward({layer(x)}, {gradients[0]});
        return {x.grad(), {}};
    }
};

std::vector<at::Tensor> gradients(causal_lm const& model, auto const& forward) {
    set_requires_grad(model, true);
    model.logits(forward()).log_softmax(1).select(1, 3).sum().backward();
    std::vector<at::Tensor> all;
    for (auto const& parameter : model.parameters()) {
        all.push_back(parameter.tensor.grad());
        parameter.tensor.mutable_grad() = at::Tensor();
    }
    set_requires_grad(model, false);
    return all;
}
}  // namespace

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

TEST_CASE("run_layers: layers that are recomputed in backward have the same gradients") {
    auto const model = support::tiny_model();
    std::size_t calls = 0;
    auto const recompute = [&](std::size_t, auto const& layer, at::Tensor const& x) {
        return recomputed::apply(x, recomputed::function([&calls, layer](at::Tensor const& y) {
                                     ++calls;
                                     return layer(y);
                                 }));
    };
    // The batch is gone when backward runs the layers again.
    auto const batch = [] { return pack_tokens({{4, 9}, {3, 5, 7, 1}, {2}}); };
    auto const expected = gradients(model, [&] { return model.body->forward(batch()); });
    auto const found = gradients(model, [&] { return model.body->forward_around(recompute, batch()); });
    CHECK(calls == 4);  // both layers, forwards and again
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(model.parameters()[i].name);
        REQUIRE(found[i].defined());
        CHECK(found[i].equal(expected[i]));
    }
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
