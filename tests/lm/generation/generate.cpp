// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdint>
#include <proximal/lm/generation/generate.hpp>
#include <proximal/lm/generation/greedy_sampler.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/generation/scripted_sampler.hpp>

#include "../../support/tiny_model.hpp"

#include "../../support/largest_difference.hpp"

using namespace proximal::libtorch;
using namespace proximal::lm;
using Catch::Contains;
using support::largest_difference;

namespace {
using prompt_rows = std::vector<std::vector<std::int64_t>>;
prompt_rows const prompts{{4, 9, 2}, {3}, {5, 7, 1, 1, 8, 2}, {6, 6}, {11, 3, 4, 2}, {7, 8}};
constexpr std::int64_t T = 9;

/// Log-probabilities of given tokens [B, T] by full forwards: no cache, no generation loop.
at::Tensor full_logprobs(causal_lm const& model, at::Tensor const& tokens, double temperature) {
    at::NoGradGuard const guard;
    prompt_rows whole = prompts;
    for (std::size_t b = 0; b < whole.size(); ++b)
        for (std::int64_t t = 0; t < tokens.size(1); ++t)
            whole[b].push_back(tokens[static_cast<std::int64_t>(b)][t].item<std::int64_t>());
    at::Tensor const all = model.logits(model.body->forward(pack_tokens(whole))).div(temperature).log_softmax(1),
                     result = at::zeros(tokens.sizes(), at::kDouble);
    std::int64_t begin = 0;
    for (std::size_t b = 0; b < whole.size(); begin += static_cast<std::int64_t>(whole[b].size()), ++b)
        result[static_cast<std::int64_t>(b)] =
            all.narrow(0, begin + static_cast<std::int64_t>(prompts[b].size()) - 1, T)
                .gather(1, tokens[static_cast<std::int64_t>(b)].unsqueeze(1))
                .squeeze(1);
    return result;
}
}  // namespace

TEST_CASE("generate: cached decoding equals the full forward, prompts of mixed lengths") {
    auto config = support::tiny_config();
    config["use_parallel_residual"] = GENERATE(true, false);
    auto const model = support::tiny_model(config);
    auto const out =
        generate(model, prompts, sampling{.temperature = 0.7, .max_new_tokens = T}, multinomial_sampler{.seed = 1});
    CHECK((out.tokens.sizes() == at::IntArrayRef{6, T}));
    CHECK(out.lengths.eq(T).all().item<bool>());
    CHECK(largest_difference(out.logprobs, full_logprobs(model, out.tokens, 0.7)) < 1e-12);
    auto const replay =
        generate(model, prompts, sampling{.temperature = 0.7, .max_new_tokens = T}, scripted_sampler{out.tokens});
    CHECK(replay.tokens.equal(out.tokens));
    CHECK(largest_difference(replay.logprobs, out.logprobs) < 1e-12);
}

TEST_CASE("generate: a row that stops leaves the batch, which equals running on") {
    auto const model = support::tiny_model();
    std::int64_t const stop = GENERATE(Catch::Generators::range(0, 6));
    sampling how{.max_new_tokens = T, .pad_token = 22};
    auto const on = generate(model, prompts, how, multinomial_sampler{.seed = 8});
    how.stop_token = stop;
    std::int64_t computed = 0, seen = 0;
    auto const out = generate(model, prompts, how, multinomial_sampler{.seed = 8},
                              [&](std::int64_t, std::int64_t running) { computed += running; });
    for (std::int64_t b = 0; b < 6; ++b) {
        bool ended = false;
        std::int64_t length = 0;
        for (std::int64_t t = 0; t < T; ++t) {
            CAPTURE(b, t);
            CHECK(out.tokens[b][t].item<std::int64_t>() == (ended ? 22 : on.tokens[b][t].item<std::int64_t>()));
            CHECK(out.logprobs[b][t].item<double>() ==
                  Approx(ended ? 0.0 : on.logprobs[b][t].item<double>()).margin(1e-12));
            length += !ended;
            ended = ended || on.tokens[b][t].item<std::int64_t>() == stop;
        }
        CHECK(out.lengths[b].item<std::int64_t>() == length);
        seen += length;
    }
    CHECK(computed == seen);  // no step was spent on a row that had ended
}

TEST_CASE("generate: all rows may end at once, and early") {
    auto const model = support::tiny_model();
    auto const script = at::full({6, T}, 5, at::kLong);
    script.select(1, 2).fill_(0);
    std::int64_t steps = 0;
    auto const out = generate(model, prompts, sampling{.max_new_tokens = T, .stop_token = 0, .pad_token = 1},
                              scripted_sampler{script}, [&](std::int64_t step, std::int64_t) { steps = step; });
    CHECK(steps == 3);
    CHECK(out.lengths.eq(3).all().item<bool>());
    CHECK(out.tokens.narrow(1, 3, T - 3).eq(1).all().item<bool>());
}

TEST_CASE("multinomial_sampler: a draw depends on seed, episode and step alone") {
    auto const model = support::tiny_model();
    sampling const how{.max_new_tokens = T};
    auto const draw = [&](prompt_rows const& which, multinomial_sampler sampler) {
        return generate(model, which, how, sampler).tokens;
    };
    auto const all = draw(prompts, {.seed = 3});
    CHECK(all.equal(draw(prompts, {.seed = 3})));
    CHECK_FALSE(all.equal(draw(prompts, {.seed = 4})));
    CHECK(draw({prompts.begin() + 2, prompts.end()}, {.seed = 3, .first_episode = 2}).equal(all.narrow(0, 2, 4)));

    std::int64_t const n = 20000;
    auto const p = at::tensor({0.1, 0.0, 0.6, 0.3}, at::kDouble);
    auto const drawn = multinomial_sampler{.seed = 6}(p.log().expand({n, 4}).contiguous(), at::arange(n), 5);
    auto const frequency = drawn.bincount({}, 4).to(at::kDouble) / static_cast<double>(n);
    CHECK(largest_difference(frequency, p) < 5 * std::sqrt(0.25 / static_cast<double>(n)));  // five standard deviations
    CHECK(frequency[1].item<double>() == 0.0);
}

TEST_CASE("filter_logits: top-k and top-p keep what they promise") {
    auto const p = at::tensor({0.05, 0.4, 0.15, 0.3, 0.1}, at::kDouble).unsqueeze(0);
    auto const kept = [](at::Tensor const& logits) { return logits.isfinite().squeeze(0).nonzero().squeeze(1); };
    CHECK(keep_top_k(p.log(), 0).equal(p.log()));
    CHECK(keep_top_k(p.log(), 9).equal(p.log()));
    CHECK(kept(keep_top_k(p.log(), 2)).equal(at::tensor({1, 3}, at::kLong)));
    CHECK(keep_top_p(p.log(), 1.0).equal(p.log()));
    CHECK(kept(keep_top_p(p.log(), 0.8)).equal(at::tensor({1, 2, 3}, at::kLong)));
    CHECK(kept(keep_top_p(p.log(), 0.65)).equal(at::tensor({1, 3}, at::kLong)));
    CHECK(kept(keep_top_p(p.log(), 1e-9)).equal(at::tensor({1}, at::kLong)));

    auto const model = support::tiny_model();
    auto const greedy = generate(model, prompts, sampling{.max_new_tokens = T}, greedy_sampler{});
    auto const one = generate(model, prompts, sampling{.top_k = 1, .max_new_tokens = T}, multinomial_sampler{});
    CHECK(one.tokens.equal(greedy.tokens));
    CHECK(one.logprobs.eq(0).all().item<bool>());  // after the filters, as TRL's processed scores are
    CHECK(generate(model, prompts, sampling{.top_p = 1e-9, .max_new_tokens = T}, multinomial_sampler{})
              .tokens.equal(greedy.tokens));
}

TEST_CASE("generate: what cannot be done is said in one sentence") {
    auto const model = support::tiny_model();
    auto const says = [&](prompt_rows const& which, sampling how, std::string const& what) {
        CHECK_THROWS_WITH(generate(model, which, how, greedy_sampler{}), Contains("proximal: ") && Contains(what));
    };
    says({}, {}, "no prompts");
    says({{1}, {}}, {}, "prompt 1 is empty");
    says({{23}}, {}, "prompt 0 holds the token 23 outside of the model's vocabulary of 23");
    says({std::vector<std::int64_t>(12, 1)}, {.max_new_tokens = 10},
         "prompt 0 has 12 tokens, which with 10 new ones exceeds the model's 20 positions");
    says({{1}}, {.temperature = 0.0}, "temperature must be positive");
    says({{1}}, {.top_k = -1}, "top_k");
    says({{1}}, {.top_p = 0.0}, "top_p");
    says({{1}}, {.max_new_tokens = 0}, "max_new_tokens");
    CHECK_NOTHROW(generate(model, {std::vector<std::int64_t>(11, 1)}, {.max_new_tokens = 10}, greedy_sampler{}));
}

TEST_CASE("samplers that plan: what is chosen of an entry is what the sampler gives for its row and step") {
    at::manual_seed(3);
    auto const check = [](auto const& sampler) {
        at::Tensor const plan = sampler.plan(6, T);
        CHECK(plan.sizes() == at::IntArrayRef({6, T}));
        at::Tensor const rows = at::tensor({5, 0, 3}, at::kLong);
        for (std::int64_t step = 0; step < T; ++step) {
            at::Tensor const likely = at::randn({3, 11}, at::kDouble).log_softmax(1);
            CHECK(at::equal(sampler.choose(likely, plan.select(1, step).index_select(0, rows)),
                            sampler(likely, rows, step)));
        }
    };
    check(multinomial_sampler{.seed = 4, .first_episode = 9});
    check(greedy_sampler{});
    check(scripted_sampler{at::randint(0, 11, {6, T}, at::kLong)});
}
