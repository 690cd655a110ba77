// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/sample_rows.hpp>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/generation/filter_logits.hpp>
#include <proximal/lm/generation/sampler.hpp>
#include <proximal/lm/generation/sampling.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/kv_cache.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <type_traits>
#include <vector>

namespace proximal::lm {

/// Where decoding stands: B rows of which R still run. A step reads and writes these tensors in place, and no number of
/// the host's but how many columns of the cache are in use: so it can be recorded once and repeated.
struct decode_state {
    at::Tensor tokens;        // [B, T] int64: drawn so far
    at::Tensor logprobs;      // [B, T]: how likely each was
    at::Tensor plan = {};     // [B, T]: a planned sampler's entries; undefined: the sampler is asked at each step
    token_batch batch = {};   // of R tokens, the last of each running row: fed next
    kv_cache cache = {};      // of R rows
    at::Tensor cells = {};    // [R] int64: where the tokens drawn next belong in the flattened [B, T]
    at::Tensor stopped = {};  // [R] bool: who has drawn the stop token
    at::Tensor running = {};  // [R] int64, on the host: which rows of the batch these are
};

/// Draws a token of each row of logits [R, V], which are written over: temperature, filters and draw are one kernel
/// where the sampler has one for their device.
template <class Sampler>
libtorch::sampled_rows draw_tokens(Sampler& sampler, at::Tensor const& logits, sampling const& how,
                                   decode_state const& state, std::int64_t step) {
    at::Tensor const entries = state.plan.defined() ? state.plan.view({-1}).index_select(0, state.cells) : at::Tensor();
    if constexpr (KernelSampler<std::remove_const_t<Sampler>>)
        if (auto const* const launch = entries.defined() ? libtorch::cuda::launcher_for(logits) : nullptr)
            return sampler.sample_rows(*launch, logits, entries, how);
    at::Tensor const scaled = logits.div_(how.temperature);
    at::Tensor const likely = keep_top_p(keep_top_k(scaled, how.top_k), how.top_p).log_softmax(1);  // [R, V]
    at::Tensor drawn;
    if constexpr (PlannedSampler<std::remove_const_t<Sampler>>)
        if (entries.defined()) drawn = sampler.choose(likely, entries);
    if (!drawn.defined()) drawn = sampler(likely, state.running, step);
    return {drawn, likely.gather(1, drawn.unsqueeze(1)).squeeze(1)};
}

/// Notes the tokens drawn of each running row: they are fed next.
inline void note_drawn(decode_state& state, libtorch::sampled_rows const& drawn,
                       std::optional<std::int64_t> stop_token) {
    state.tokens.view({-1}).index_copy_(0, state.cells, drawn.tokens);
    state.logprobs.view({-1}).index_copy_(0, state.cells, drawn.logprobs);
    state.batch.ids.copy_(drawn.tokens);
    state.cells.add_(1);
    if (stop_token) state.stopped.logical_or_(drawn.tokens.eq(*stop_token));
}

/// Feeds whole prompts and draws the first token of each: `draw` gives sampled_rows of logits [B, V]. Returns the
/// longest prompt's tokens.
template <class Draw>
std::int64_t prefill(causal_lm const& model, std::vector<std::vector<std::int64_t>> const& prompts,
                     std::int64_t max_new_tokens, decode_state& state, std::optional<std::int64_t> stop_token,
                     Draw const& draw) {
    auto const device = model.body->options().device();
    auto const B = static_cast<std::int64_t>(prompts.size());
    token_batch const whole = pack_tokens(prompts, device);
    state.cache = model.body->make_cache(B, whole.longest + max_new_tokens - 1);
    at::Tensor const lengths = at::empty({B}, at::kLong);
    for (std::int64_t b = 0; b < B; ++b)
        lengths.mutable_data_ptr<std::int64_t>()[b] = std::ssize(prompts[static_cast<std::size_t>(b)]);
    state.running = at::arange(B, at::kLong);
    state.stopped = at::zeros({B}, state.tokens.options().dtype(at::kBool));
    auto const there =
        libtorch::upload(at::stack({lengths, lengths.cumsum(0) - 1, state.running * max_new_tokens}), device).unbind();
    state.cells = there[2].clone();
    at::Tensor const positions = there[0].clone();
    at::Tensor const hidden = model.body->forward(whole, &state.cache).index_select(0, there[1]);  // [B, H]
    state.batch = {.ids = at::empty({B}, state.tokens.options()),
                   .positions = positions,
                   .rows = at::arange(B, state.tokens.options()),
                   .slots = positions,
                   .row_count = B};
    note_drawn(state, draw(model.logits(hidden)), stop_token);
    return whole.longest;
}

/// Feeds the tokens drawn last and draws the next of each running row. `columns`: as many as the longest row has with
/// them, or more; attention reads so many.
template <class Draw>
void decode_step(causal_lm const& model, decode_state& state, std::int64_t columns,
                 std::optional<std::int64_t> stop_token, Draw const& draw) {
    state.batch.longest = state.batch.column_count = columns;
    at::Tensor const hidden = model.body->forward(state.batch, &state.cache);
    state.batch.positions.add_(1);
    note_drawn(state, draw(model.logits(hidden)), stop_token);
}

/// Takes the rows that have stopped out of the batch where `most` or fewer would stay; returns how many run then. Waits
/// for the device.
///
/// Survivors beyond the new end move into the places of those who left before it: few rows move, and the cache, the
/// tokens fed next and where the next belong move alike.
inline std::int64_t leave(decode_state& state, std::int64_t most) {
    at::Tensor const stopped = state.stopped.cpu();
    auto const before = stopped.size(0), count = before - stopped.sum().item<std::int64_t>();
    if (count > most) return before;
    at::Tensor const to = stopped.narrow(0, 0, count).nonzero().squeeze(1);
    at::Tensor const from = stopped.narrow(0, count, before - count).logical_not().nonzero().squeeze(1) + count;
    at::Tensor const moves = libtorch::upload(at::stack({from, to}), state.tokens.device());
    state.cache.shrink(moves[0], moves[1], count);
    state.running = state.running.index_copy(0, to, state.running.index_select(0, from)).narrow(0, 0, count);
    for (auto* part : {&state.batch.ids, &state.batch.positions, &state.cells})
        *part = part->index_copy(0, moves[1], part->index_select(0, moves[0])).narrow(0, 0, count);
    state.batch.slots = state.batch.positions;
    state.batch.rows = state.batch.rows.narrow(0, 0, count);
    state.batch.row_count = count;
    state.stopped = at::zeros({count}, state.stopped.options());
    return count;
}

}  // namespace proximal::lm
