// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/gather_batch.hpp>

#include "../../support/thread_communicator.hpp"

using namespace proximal;
using namespace proximal::lm;

namespace {
token_roles const some_roles{.pad = 9, .eos = 2, .stop = 2};
completions answers_to(std::size_t rows, std::int64_t from) {
    at::Tensor const tokens = (at::arange(static_cast<std::int64_t>(rows) * 3).view({-1, 3}) + from).remainder(5);
    return end_at_stop(tokens, tokens.to(at::kDouble) * -0.1, 2, 9);
}
}  // namespace

TEST_CASE("gather_episodes, gather_rollout: two processes' rows are those that one would have") {
    std::vector<std::vector<std::int64_t>> const prompts{{1, 2}, {3}, {4, 5, 6}, {7}};
    auto const scored_on = [&](std::size_t first, std::size_t count, bool has_part, bool leaves_out) {
        auto const drawn = answers_to(count, static_cast<std::int64_t>(first) * 3);
        episodes const batch = assemble(left_padded({prompts.begin() + static_cast<std::ptrdiff_t>(first),
                                                     prompts.begin() + static_cast<std::ptrdiff_t>(first + count)},
                                                    some_roles.pad),
                                        drawn, some_roles);
        reward_function const reward = [=](std::vector<finished_episode> const& done) {
            auto const rows = std::ssize(done);
            reward_scores given(at::arange(rows, at::kDouble) + static_cast<double>(first));
            if (has_part) given.parts = {{"length", at::ones({rows}, at::kDouble)}};
            if (leaves_out) given.scored = at::arange(rows).ne(0);
            return given;
        };
        return std::pair{batch, score({.reward = &reward}, batch, drawn.logprobs, some_roles.pad)};
    };
    std::vector<episodes> batches(2);
    std::vector<scored_rollout> rollouts(2);
    support::as_processes(2, [&](auto const& world) {
        auto const rank = static_cast<std::size_t>(world->rank());
        auto const [batch, scored] = scored_on(2 * rank, 2, rank == 1, rank == 1);
        batches[rank] = gather_episodes(batch, some_roles.pad, *world);
        rollouts[rank] = gather_rollout(scored, *world);
    });
    auto const [whole, scored] = scored_on(0, 4, false, false);
    for (std::size_t rank = 0; rank < 2; ++rank) {
        CHECK(batches[rank].context_length == 3);
        CHECK(at::equal(batches[rank].query_responses, whole.query_responses));
        CHECK(at::equal(batches[rank].query_mask, whole.query_mask));
        CHECK(at::equal(batches[rank].mask, whole.mask));
        CHECK(at::equal(batches[rank].has_eos, whole.has_eos));
        CHECK(at::equal(rollouts[rank].recorded.logprobs.tensor, scored.recorded.logprobs.tensor));
        CHECK(absent(rollouts[rank].recorded.values));
        CHECK(at::equal(rollouts[rank].scored, at::tensor({1, 1, 0, 1}).to(at::kBool)));
        REQUIRE(rollouts[rank].reward_parts.size() == 1);
        CHECK(at::equal(rollouts[rank].reward_parts[0].second, at::tensor({0.0, 0.0, 1.0, 1.0}, at::kDouble)));
    }
}
