// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/model/recomputing_backbone.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/stock_ppo.hpp>
#include <vector>

#include "../../support/temporary_folder.hpp"
#include "../../support/tiny_run.hpp"

using namespace proximal::lm;

namespace {
std::vector<at::Tensor> gradients_of(causal_lm const& model, auto const& learns) {
    for (auto const& parameter : model.parameters()) parameter.tensor.set_requires_grad(learns(parameter.name));
    // The batch is gone when backward runs the layers again.
    auto const hidden = model.body->forward(pack_tokens({{4, 9}, {3, 5, 7, 1}, {2}}));
    model.logits(hidden).log_softmax(1).select(1, 3).sum().backward();
    std::vector<at::Tensor> all;
    for (auto const& parameter : model.parameters()) {
        all.push_back(parameter.tensor.grad());
        parameter.tensor.mutable_grad() = at::Tensor();
        parameter.tensor.set_requires_grad(false);
    }
    return all;
}
causal_lm recomputing(causal_lm const& model) {
    return {std::make_shared<recomputing_backbone>(model.body), model.lm_head, model.config};
}
}  // namespace

TEST_CASE("recomputing_backbone: the gradients of the backbone it stands for, bit for bit, frozen embeddings too") {
    auto const model = support::tiny_model();
    auto const check = [&](auto const& learns) {
        auto const expected = gradients_of(model, learns), found = gradients_of(recomputing(model), learns);
        REQUIRE(found.size() == expected.size());
        int learning = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            CAPTURE(model.parameters()[i].name);
            REQUIRE(found[i].defined() == expected[i].defined());
            if (!found[i].defined()) continue;
            CHECK(found[i].equal(expected[i]));
            ++learning;
        }
        return learning;
    };
    CHECK(check([](std::string const&) { return true; }) == static_cast<int>(model.parameters().size()));
    CHECK(check([](std::string const& name) { return name.find("embed_in") == std::string::npos; }) > 10);
    CHECK(check([](std::string const& name) { return name.find("layers.1.mlp") != std::string::npos; }) == 4);
}

TEST_CASE("recomputing_backbone: of the activations it keeps the layers' inputs alone") {
    auto const model = support::tiny_model();
    // What autograd keeps, counted by what it saves.
    auto const saved = [&](causal_lm const& of) {
        for (auto const& parameter : of.parameters()) parameter.tensor.set_requires_grad(true);
        std::size_t nodes = 0;
        auto const hidden = of.body->forward(pack_tokens({{4, 9, 1, 2, 3, 4, 5}}));
        std::vector<torch::autograd::Node*> open{hidden.grad_fn().get()};
        std::set<torch::autograd::Node*> seen;
        while (!open.empty()) {
            auto* const node = open.back();
            open.pop_back();
            if (node == nullptr || !seen.insert(node).second) continue;
            ++nodes;
            for (auto const& edge : node->next_edges()) open.push_back(edge.function.get());
        }
        for (auto const& parameter : of.parameters()) parameter.tensor.set_requires_grad(false);
        return nodes;
    };
    CHECK(saved(recomputing(model)) * 4 < saved(model));
}

TEST_CASE("recomputing_backbone: without a gradient, with a cache, and rebuilt it is the backbone") {
    auto const model = support::tiny_model(), other = recomputing(model);
    at::NoGradGuard const guard;
    auto const tokens = pack_tokens({{4, 9}, {3, 5, 7}});
    CHECK(other.body->forward(tokens).equal(model.body->forward(tokens)));
    auto cache = model.body->make_cache(2, 8), again = other.body->make_cache(2, 8);
    CHECK(other.body->forward(tokens, &again).equal(model.body->forward(tokens, &cache)));
    CHECK(dynamic_cast<recomputing_backbone const*>(clone(other).body.get()) != nullptr);
}

TEST_CASE("recomputing_backbone: with gradient_checkpointing a run learns the same, bit for bit") {
    auto const learned = [](bool recomputes) {
        support::temporary_folder const folder;
        auto config = support::small_config();
        config.output_dir = folder.path;
        config.gradient_checkpointing = recomputes;
        auto const given = support::arguments(config);
        ppo_trainer trainer(proximal::run::stock_ppo(config), given);
        trainer.train();
        CHECK((dynamic_cast<recomputing_backbone const*>(trainer.policy().body.get()) != nullptr) == recomputes);
        return trainer.policy().lm_head.detach().clone();
    };
    CHECK(learned(true).equal(learned(false)));
}
