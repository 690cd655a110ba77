// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/generation/completions.hpp>
#include <proximal/lm/generation/filter_logits.hpp>
#include <proximal/lm/generation/sampler.hpp>
#include <proximal/lm/generation/sampling.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::lm {

/// Called after every step with the number of steps done and of rows still running.
using generation_callback = std::function<void(std::int64_t steps, std::int64_t running)>;

/// Throws std::invalid_argument where a prompt is empty, holds an id that the model has not, or leaves no room.
inline void check_prompts(causal_lm const& model, std::vector<std::vector<std::int64_t>> const& prompts,
                          std::int64_t max_new_tokens) {
    auto const vocabulary = model.body->vocabulary_size(), positions = model.body->max_positions();
    if (prompts.empty()) throw std::invalid_argument("proximal: generate got no prompts; give at least one");
    for (std::size_t b = 0; b < prompts.size(); ++b) {
        auto const& prompt = prompts[b];
        auto const name = "proximal: prompt " + std::to_string(b);
        if (prompt.empty()) throw std::invalid_argument(name + " is empty; begin it with at least one token");
        // the last token drawn is never fed
        if (static_cast<std::int64_t>(prompt.size()) + max_new_tokens - 1 > positions)
            throw std::invalid_argument(name + " has " + std::to_string(prompt.size()) + " tokens, which with " +
                                        std::to_string(max_new_tokens) + " new ones exceeds the model's " +
                                        std::to_string(positions) + " positions; shorten one of them");
        for (auto const id : prompt)
            if (id < 0 || id >= vocabulary)
                throw std::invalid_argument(name + " holds the token " + std::to_string(id) +
                                            " outside of the model's vocabulary of " + std::to_string(vocabulary) +
                                            "; use the tokenizer that belongs to the model");
    }
}

/// Takes the rows marked in `stopped` [R] (bool, on the host) out of the batch; returns how many stay.
///
/// Survivors beyond the new end move into the places of those who left before it: few rows move. `running` [R] (on the
/// host), the tokens fed next and the cache move alike.
inline std::int64_t leave(at::Tensor const& stopped, at::Tensor& running, token_batch& batch, kv_cache& cache) {
    auto const count = stopped.logical_not().sum().item<std::int64_t>();
    at::Tensor const to = stopped.narrow(0, 0, count).nonzero().squeeze(1);
    at::Tensor const from =
        stopped.narrow(0, count, stopped.size(0) - count).logical_not().nonzero().squeeze(1) + count;
    auto const there = batch.ids.device();
    at::Tensor const moves = libtorch::upload(at::stack({from, to}), there);
    cache.shrink(moves[0], moves[1], count);
    running = running.index_copy(0, to, running.index_select(0, from)).narrow(0, 0, count);
    for (auto* part : {&batch.ids, &batch.positions})
        *part = part->index_copy(0, moves[1], part->index_select(0, moves[0])).narrow(0, 0, count);
    return count;
}

/// Completes prompts, one token per row and step, with cached keys and values.
///
/// Per step: logits / temperature, top_k, top_p, log-softmax; the sampler draws; the drawn token's log-probability is
/// kept, the logits are not. Every drawn token is attended to, a pad drawn by chance too.
/// A row that draws the stop token leaves the batch: what it would have drawn after it is never read, so this equals
/// running on.
///
/// Source: TRL v0.11.4's generate(); departure: rows leave, prompts are not padded. No gradient is recorded.
/// Throws std::invalid_argument: see check_prompts and sampling::check.
template <TokenSampler Sampler>
completions generate(causal_lm const& model, std::vector<std::vector<std::int64_t>> const& prompts,
                     sampling const& sampling, Sampler&& sampler, generation_callback const& on_step = {}) {
    sampling.check();
    check_prompts(model, prompts, sampling.max_new_tokens);
    auto const options = model.body->options();
    auto const B = static_cast<std::int64_t>(prompts.size()), T = sampling.max_new_tokens;
    at::Tensor const tokens = at::full({B, T}, sampling.pad_token, options.dtype(at::kLong)),
                     logprobs = at::zeros({B, T}, options);
    {
        // Tensors made under inference mode may not meet autograd later: the results are made before it.
        c10::InferenceMode const no_autograd;
        // for who stopped: an accelerator has to wait
        std::int64_t const look_every = options.device().is_cpu() ? 1 : 8;
        token_batch batch = pack_tokens(prompts, options.device());
        kv_cache cache = model.body->make_cache(B, batch.longest + T - 1);
        at::Tensor running = at::arange(B, at::kLong),
                   index = libtorch::upload(running, options.device());  // [R]: rows of the batch
        at::Tensor stopped = at::zeros({B}, options.dtype(at::kBool));   // [R]
        at::Tensor lengths = at::empty({B}, at::kLong);
        for (std::int64_t b = 0; b < B; ++b)
            lengths.mutable_data_ptr<std::int64_t>()[b] = static_cast<std::int64_t>(prompts[b].size());
        lengths = libtorch::upload(lengths, options.device());
        at::Tensor hidden = model.body->forward(batch, &cache).index_select(0, lengths.cumsum(0) - 1);  // [R, H]
        batch.positions = lengths;
        for (std::int64_t step = 0;; ++step) {
            at::Tensor const scaled = model.logits(hidden).div_(sampling.temperature);  // [R, V]
            at::Tensor const likely =
                keep_top_p(keep_top_k(scaled, sampling.top_k), sampling.top_p).log_softmax(1);  // [R, V]
            at::Tensor const drawn = sampler(likely, running, step);                            // [R]
            tokens.select(1, step).index_copy_(0, index, drawn);
            logprobs.select(1, step).index_copy_(0, index, likely.gather(1, drawn.unsqueeze(1)).squeeze(1));
            if (on_step) on_step(step + 1, running.size(0));
            if (step + 1 == T) break;
            batch.ids = drawn;
            if (sampling.stop_token) {
                stopped.logical_or_(drawn.eq(*sampling.stop_token));
                if ((step + 1) % look_every == 0) {
                    at::Tensor const known = stopped.cpu();
                    if (known.any().item<bool>()) {
                        auto const staying = leave(known, running, batch, cache);
                        if (staying == 0) break;
                        index = libtorch::upload(running, options.device());
                        stopped = at::zeros({staying}, stopped.options());
                    }
                }
            }
            batch.rows = at::arange(running.size(0), tokens.options());
            batch.slots = batch.positions;
            batch.row_count = running.size(0);
            batch.longest = batch.column_count = cache.length + 1;
            hidden = model.body->forward(batch, &cache);
            batch.positions = batch.positions + 1;
        }
    }
    return end_at_stop(tokens, logprobs, sampling.stop_token, sampling.pad_token);
}

}  // namespace proximal::lm
