// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdint>
#include <proximal/io/safetensors.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/make_model.hpp>

#include "../../support/tiny_model.hpp"

#include "../../support/largest_difference.hpp"

using namespace proximal;
using namespace proximal::libtorch;
using namespace proximal::io;
using namespace proximal::lm;
using Catch::Contains;
using support::largest_difference;

namespace {}  // namespace

TEST_CASE("gpt_neox: equals transformers' recorded values, padded left, right and with holes") {
    at::NoGradGuard const guard;
    auto const name = GENERATE(as<std::string>(), "parallel", "sequential", "tied", "classifier");
    CAPTURE(name);
    auto const folder = PROXIMAL_TEST_DATA "/gpt_neox/" + name;
    safetensors const file(folder + "/recorded.safetensors");
    auto const ids = to_tensor(file.at("ids")), mask = to_tensor(file.at("mask"));
    auto const run = [&](token_batch const& tokens, at::ScalarType dtype, std::optional<at::ScalarType> precision) {
        if (name == "classifier") {
            bool made = true;
            auto const model = load_sequence_classifier(folder, dtype, at::kCPU, 0, &made, precision);
            CHECK_FALSE(made);
            return model.values(model.body->forward(tokens));
        }
        auto const model = load_causal_lm(folder, dtype, at::kCPU, precision);
        CHECK(model.tied() == (name == "tied"));
        return model.logits(model.body->forward(tokens));
    };
    auto const recorded = [&](char const* what, token_batch const& tokens) {
        return to_tensor(file.at(what)).flatten(0, 1).index_select(0, tokens.index());
    };
    auto const tokens = pack_tokens(ids, mask), all = pack_tokens(ids, mask, mask.cumsum(1).ne(0));
    CHECK(largest_difference(run(tokens, at::kFloat, {}), recorded("float32", tokens)) < 1e-4);
    CHECK(largest_difference(run(tokens, at::kDouble, {}), recorded("exact", tokens)) < 1e-10);
    CHECK(largest_difference(run(tokens, at::kDouble, at::kFloat), recorded("float64", tokens)) < 1e-10);
    CHECK(all.size() > tokens.size());  // padding behind a row's first token, as transformers computes it
    CHECK(largest_difference(run(all, at::kDouble, {}), recorded("exact", all)) < 1e-10);
    CHECK(run(tokens, at::kBFloat16, {}).to(at::kFloat).sub(recorded("float32", tokens)).abs().max().item<double>() <
          0.3);
}

TEST_CASE("gpt_neox: ids under the mask are never read, and where padding stands does not matter") {
    at::NoGradGuard const guard;
    auto const model = support::tiny_model();
    auto const mask = at::tensor({0, 0, 1, 1, 1, 1, 0, 1}).view({2, 4});
    auto const ids = at::tensor({-7, 99, 4, 9, 3, 5, 1000, 7}).view({2, 4});
    auto const tokens = pack_tokens(ids, mask);
    CHECK(tokens.positions.equal(at::tensor({0, 1, 0, 1, 2}, at::kLong)));
    CHECK(tokens.index().equal(at::tensor({2, 3, 4, 5, 7}, at::kLong)));
    auto const plain = model.body->forward(pack_tokens({{4, 9}, {3, 5, 7}}));
    CHECK(largest_difference(model.body->forward(tokens), plain) == 0.0);
    // A row alone is that row in a batch: nothing leaks between rows.
    CHECK(largest_difference(model.body->forward(pack_tokens({{3, 5, 7}})), plain.narrow(0, 2, 3)) < 1e-14);
    // The future does not leak into the past.
    CHECK(largest_difference(model.body->forward(pack_tokens({{3, 5, 8}})).narrow(0, 0, 2), plain.narrow(0, 2, 2)) <
          1e-14);
    CHECK_THROWS_WITH(pack_tokens(ids, mask.narrow(1, 0, 3)), Contains("one shape [B, S]"));
}

TEST_CASE("gpt_neox: every gradient equals finite differences, rows padded or not") {
    auto const parallel = GENERATE(true, false);
    auto const ids = GENERATE(std::vector<std::vector<std::int64_t>>{{4, 9}, {3, 5, 7, 1}, {2}},
                              std::vector<std::vector<std::int64_t>>{{4, 9, 4}, {3, 5, 7}});
    auto config = support::tiny_config();
    config["use_parallel_residual"] = parallel;
    auto const model = support::tiny_model(config);
    auto const tokens = pack_tokens(ids);
    auto const weight = at::randn({tokens.size(), 23}, at::detail::createCPUGenerator(1), at::kDouble);
    auto const loss = [&] { return (model.logits(model.body->forward(tokens)).log_softmax(1) * weight).sum(); };
    set_requires_grad(model, true);
    loss().backward();
    at::NoGradGuard const guard;
    double const step = 1e-5;
    for (auto const& [name, kind, x] : model.parameters()) {
        CAPTURE(name, parallel, ids.size());
        REQUIRE(x.grad().defined());
        for (std::int64_t const i : {static_cast<std::int64_t>(0), x.numel() / 2 + 1, x.numel() - 1}) {
            auto const entry = x.view(-1)[i];
            double const before = entry.item<double>();
            entry.fill_(before + step);
            double const above = loss().item<double>();
            entry.fill_(before - step);
            double const below = loss().item<double>();
            entry.fill_(before);
            CHECK(x.grad().reshape(-1)[i].item<double>() ==
                  Approx((above - below) / (2 * step)).epsilon(1e-6).margin(1e-7));
        }
    }
}

TEST_CASE("gpt_neox: what does not fit is refused by name") {
    auto const says = [](char const* field, nlohmann::json const& value, std::string const& what) {
        auto config = support::tiny_config();
        config[field] = value;
        CHECK_THROWS_WITH(make_causal_lm(config, 0), Contains(field) && Contains(what) && Contains("proximal: "));
    };
    says("model_type", "gpt5", "use one of: gpt_neox");
    says("hidden_act", "relu6", "\"relu6\" is not supported; use gelu");
    says("rope_scaling", {{"type", "linear"}}, "is not supported");
    says("rope_parameters", {{"rope_type", "yarn"}}, "rope_type yarn, which is not supported");
    says("vocab_size", nullptr, "must be there and positive");
    says("hidden_size", 13, "multiple of num_attention_heads");
    says("hidden_size", "big", "wrong type");
    says("rotary_pct", 0.3, "even number of rotary dimensions");
    says("rotary_pct", 2.0, "at most a head's 4");

    auto const model = support::tiny_model();
    CHECK_THROWS_WITH(model.body->forward(pack_tokens({std::vector<std::int64_t>(21, 1)})),
                      Contains("21 tokens is longer than the model's 20 positions"));
    CHECK_THROWS_WITH(model.body->forward(pack_tokens({{1, 23}})),
                      Contains("the token 23 outside of the model's vocabulary of 23"));
    auto cache = model.body->make_cache(1, 2);
    CHECK_THROWS_WITH(model.body->forward(pack_tokens({{1, 2, 3}}), &cache), Contains("do not fit in the cache"));
    model.body->forward(pack_tokens({{1}}), &cache);
    CHECK_THROWS_WITH(model.body->forward(pack_tokens({{1, 2}}), &cache), Contains("one new token per row"));
}

TEST_CASE("gpt_neox_config: the rotary fields of transformers 5 and of 4.45 say the same") {
    auto old = support::tiny_config(), newer = old;
    old["rotary_emb_base"] = 500;
    newer.erase("rotary_pct");
    newer["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 500}, {"partial_rotary_factor", 0.5}};
    gpt_neox_config const a(old), b(newer);
    CHECK(a.rotary_dimensions() == 2);
    CHECK(b.rotary_dimensions() == 2);
    CHECK(a.rotary_emb_base == 500.0);
    CHECK(b.rotary_emb_base == 500.0);
}

TEST_CASE("gpt_neox: parameters have transformers' names and order; a clone shares nothing") {
    auto const model = support::tiny_model();
    std::vector<std::string> names;
    for (auto const& [name, kind, x] : model.parameters()) names.push_back(name);
    REQUIRE(names.size() == 28);
    CHECK(names[0] == "gpt_neox.embed_in.weight");
    CHECK(names[1] == "gpt_neox.layers.0.input_layernorm.weight");
    CHECK(names[12] == "gpt_neox.layers.0.mlp.dense_4h_to_h.bias");
    CHECK(names[27] == "embed_out.weight");

    auto const copy = clone(model);
    auto const critic = make_sequence_classifier(*model.body, model.config, 9);
    CHECK(largest_difference(copy.logits(copy.body->forward(pack_tokens({{1, 2}}))),
                             model.logits(model.body->forward(pack_tokens({{1, 2}})))) == 0.0);
    for (std::size_t i = 0; i < names.size(); ++i)
        CHECK_FALSE(copy.parameters()[i].tensor.is_alias_of(model.parameters()[i].tensor));
    CHECK(critic.parameters().back().name == "score.weight");
    CHECK(make_sequence_classifier(*model.body, model.config, 9).score.equal(critic.score));
    set_requires_grad(critic, true);
    CHECK_FALSE(model.lm_head.requires_grad());
    CHECK_FALSE(model.body->token_embedding().requires_grad());
}
