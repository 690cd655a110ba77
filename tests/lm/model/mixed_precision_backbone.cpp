// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/generation/generate.hpp>
#include <proximal/lm/generation/greedy_sampler.hpp>
#include <proximal/lm/model/mixed_precision_backbone.hpp>
#include <proximal/lm/model/recomputing_backbone.hpp>
#include <proximal/lm/train/adamw.hpp>

#include "../../support/tiny_model.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal::lm;

namespace {
causal_lm plain_model() { return support::tiny_model(support::tiny_config(), at::kFloat); }
causal_lm mixed(causal_lm const& model, at::ScalarType dtype = at::kBFloat16) {
    return {std::make_shared<mixed_precision_backbone>(model.body, dtype), model.lm_head, model.config};
}
token_batch some_tokens() { return pack_tokens({{4, 9}, {3, 5, 7, 1}, {2}}); }

double relative(at::Tensor const& x, at::Tensor const& expected) {
    return ((x - expected).norm() / expected.norm()).item<double>();
}
/// By parameter, undefined where it has none.
std::vector<at::Tensor> gradients(backbone const& body, std::vector<named_tensor> const& parameters) {
    for (auto const& parameter : parameters) parameter.tensor.set_requires_grad(true);
    body.forward(some_tokens()).square().sum().backward();
    std::vector<at::Tensor> all;
    for (auto const& parameter : parameters) {
        all.push_back(parameter.tensor.grad());
        parameter.tensor.mutable_grad() = at::Tensor();
        parameter.tensor.set_requires_grad(false);
    }
    return all;
}
/// The hidden states after prompts, and after two tokens more, fed one by one.
std::vector<at::Tensor> with_cache(backbone const& body) {
    at::NoGradGuard const guard;
    auto cache = body.make_cache(2, 6);
    std::vector<at::Tensor> all{body.forward(pack_tokens({{4, 9}, {3, 5, 7}}), &cache)};
    for (std::int64_t i = 0; i < 2; ++i) {
        auto const at = [](std::vector<std::int64_t> const& x) { return at::tensor(x, at::kLong); };
        token_batch next;
        next.ids = at({6 + i, 8 + i});
        next.rows = at({0, 1});
        next.positions = next.slots = at({2 + i, 3 + i});
        next.row_count = 2;
        next.longest = next.column_count = 4 + i;
        all.push_back(body.forward(next, &cache));
    }
    return all;
}
}  // namespace

TEST_CASE("mixed_precision_backbone: hidden states are float32, near those of float32, and not they") {
    auto const model = plain_model();
    auto const dtype = GENERATE(at::kBFloat16, at::kHalf);
    auto const narrow = mixed(model, dtype);
    auto const expected = model.body->forward(some_tokens()), found = narrow.body->forward(some_tokens());
    CHECK(found.scalar_type() == at::kFloat);
    CHECK_FALSE(found.equal(expected));
    double const error = relative(found, expected), bound = dtype == at::kHalf ? 3e-3 : 2e-2;
    CAPTURE(error);
    CHECK(error < bound);
    CHECK(error > bound / 100.0);
    CHECK(narrow.body->forward_around(plain_call{}, some_tokens()).equal(found));
    {
        at::NoGradGuard const guard;
        CHECK(relative(narrow.body->forward(some_tokens()), found) < bound);
    }
    auto seen = some_tokens();  // attention under a mask
    seen.seen = at::ones({seen.size()}, at::kBool);
    CHECK(relative(narrow.body->forward(seen), expected) < bound);
}

TEST_CASE("mixed_precision_backbone: weights and gradients are float32, and gradients near those of float32") {
    auto const model = plain_model();
    auto const parameters = model.body->parameters();
    auto const expected = gradients(*model.body, parameters), found = gradients(*mixed(model).body, parameters);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        CAPTURE(parameters[i].name);
        CHECK(parameters[i].tensor.scalar_type() == at::kFloat);
        REQUIRE(found[i].defined());
        CHECK(found[i].scalar_type() == at::kFloat);
        if (expected[i].norm().item<double>() > 1e-2) CHECK(relative(found[i], expected[i]) < 0.1);
    }
}

TEST_CASE("mixed_precision_backbone: after a call, and after one that threw, autocast is off and keeps no cast") {
    auto const narrow = mixed(plain_model());
    narrow.body->forward(some_tokens());
    CHECK_FALSE(autocast_dtype(at::kCPU).has_value());
    CHECK_THROWS_AS(narrow.body->forward(pack_tokens({{99}})), std::invalid_argument);
    CHECK_FALSE(autocast_dtype(at::kCPU).has_value());
    autocast_scope const outer(at::kCPU, at::kHalf);
    narrow.body->forward(some_tokens());
    CHECK(autocast_dtype(at::kCPU) == at::kHalf);
}

TEST_CASE("mixed_precision_backbone: with a cache it says what it says without, and the cache is narrow") {
    auto const narrow = mixed(plain_model());
    CHECK(narrow.body->make_cache(2, 6).keys.at(1).scalar_type() == at::kBFloat16);
    auto const found = with_cache(*narrow.body);
    auto const whole = narrow.body->forward(pack_tokens({{4, 9, 6, 7}, {3, 5, 7, 8, 9}}));
    CHECK(relative(found[0], whole.index_select(0, at::tensor({0, 1, 4, 5, 6}, at::kLong))) < 1e-2);
    CHECK(relative(found[1], whole.index_select(0, at::tensor({2, 7}, at::kLong))) < 1e-2);
    CHECK(relative(found[2], whole.index_select(0, at::tensor({3, 8}, at::kLong))) < 1e-2);

    auto const drawn = generate(narrow, {{1, 2, 3}, {4}}, {.max_new_tokens = 6}, greedy_sampler{});
    for (std::size_t row = 0; row < 2; ++row) {  // each token is the likeliest after those before it, or ties with it
        std::vector<std::int64_t> text = row == 0 ? std::vector<std::int64_t>{1, 2, 3} : std::vector<std::int64_t>{4};
        for (std::int64_t t = 0; t < 6; ++t) {
            auto const logits = narrow.logits(narrow.body->forward(pack_tokens({text}))).select(0, -1);
            auto const token = drawn.tokens[static_cast<std::int64_t>(row)][t].item<std::int64_t>();
            CHECK(logits[token].item<double>() > logits.max().item<double>() - 0.1);
            text.push_back(token);
        }
    }
}

TEST_CASE("mixed_precision_backbone: once the weights have moved, no cast of the old ones is used") {
    auto const model = plain_model();
    auto const narrow = mixed(model);
    for (auto const& parameter : narrow.parameters()) parameter.tensor.set_requires_grad(true);
    auto const cached_before = with_cache(*narrow.body);  // keeps casts
    auto const before = narrow.body->forward(some_tokens());
    adamw optimizer(narrow.trainable_parameters(), {});
    before.square().sum().backward();
    optimizer.step(0.05);
    optimizer.zero_grad();
    auto const fresh = mixed(clone(model));
    CHECK_FALSE(narrow.body->forward(some_tokens()).equal(before));
    CHECK(narrow.body->forward(some_tokens()).equal(fresh.body->forward(some_tokens())));
    auto const cached = with_cache(*narrow.body), expected = with_cache(*fresh.body);
    for (std::size_t i = 0; i < cached.size(); ++i) {
        CHECK_FALSE(cached[i].equal(cached_before[i]));
        CHECK(cached[i].equal(expected[i]));
    }
}

TEST_CASE("mixed_precision_backbone: casts kept for a cache do not take the gradient of a later forward away") {
    auto const model = plain_model();
    auto const parameters = model.body->parameters();
    auto const narrow = mixed(model);
    auto const expected = gradients(*narrow.body, parameters);
    for (auto const& parameter : parameters) parameter.tensor.set_requires_grad(true);
    with_cache(*narrow.body);
    auto const found = gradients(*narrow.body, parameters);
    for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(parameters[i].name);
        REQUIRE(found[i].defined());
        CHECK(found[i].equal(expected[i]));
    }
}

TEST_CASE("mixed_precision_backbone: recomputed layers give the same gradients, bit for bit, inside it and around it") {
    auto const model = plain_model();
    auto const parameters = model.body->parameters();
    auto const narrow = [](std::shared_ptr<backbone> of) {
        return std::make_shared<mixed_precision_backbone>(std::move(of), at::kBFloat16);
    };
    auto const expected = gradients(*narrow(model.body), parameters);
    std::vector<std::shared_ptr<backbone>> const others{narrow(std::make_shared<recomputing_backbone>(model.body)),
                                                        std::make_shared<recomputing_backbone>(narrow(model.body))};
    for (auto const& other : others) {
        auto const found = gradients(*other, parameters);
        for (std::size_t i = 0; i < found.size(); ++i) {
            CAPTURE(parameters[i].name);
            REQUIRE(found[i].defined());
            CHECK(found[i].equal(expected[i]));
        }
    }
    autocast_scope const outer(at::kCPU, at::kBFloat16, /*keeps_casts=*/true);  // of who calls forward and backward
    auto const found = gradients(*others[0], parameters);
    for (std::size_t i = 0; i < found.size(); ++i) REQUIRE(found[i].defined());
}

TEST_CASE("mixed_precision_backbone: rebuilt it is one again; what cannot be mixed is refused") {
    auto const narrow = mixed(plain_model());
    CHECK(dynamic_cast<mixed_precision_backbone const*>(clone(narrow).body.get()) != nullptr);
    CHECK_THROWS_WITH(mixed(support::tiny_model()), Catch::Contains("of float32 weights, and these are of Double"));
    CHECK_THROWS_WITH(mixed(plain_model(), at::kFloat), Catch::Contains("at::kBFloat16 or at::kHalf, not in Float"));
}
