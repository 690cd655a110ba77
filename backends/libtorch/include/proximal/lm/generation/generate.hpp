// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <proximal/libtorch/step_graph.hpp>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/generation/completions.hpp>
#include <proximal/lm/generation/decode_step.hpp>
#include <proximal/lm/generation/sampler.hpp>
#include <proximal/lm/generation/sampling.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace proximal::lm {

/// Called after every step with the number of steps done and of rows still running. It runs no model.
using generation_callback = std::function<void(std::int64_t steps, std::int64_t running)>;

/// A recorded step reads so many columns of the cache, or a multiple: each multiple is a recording of its own.
inline constexpr std::int64_t graph_columns = 64;

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

/// Completes prompts, one token per row and step, with cached keys and values.
///
/// Per step: logits / temperature, top_k, top_p, log-softmax; the sampler draws; the drawn token's log-probability is
/// kept, the logits are not. Every drawn token is attended to, a pad drawn by chance too.
/// A row that draws the stop token leaves the batch: what it would have drawn after it is never read, so this equals
/// running on. On a device other than the CPU the host looks at who stopped every eighth step.
///
/// With sampling.graphs a step is recorded and repeated. Attention then reads its columns rounded up to a multiple of
/// graph_columns, and rows leave when half of them have stopped, since either asks for another recording.
///
/// Source: TRL v0.11.4's generate(); departure: rows leave, prompts are not padded. No gradient is recorded.
/// Throws std::invalid_argument: see check_prompts and sampling::check; also where graphs are asked for on a device
/// without, or with a sampler that is no PlannedSampler.
template <TokenSampler Sampler>
completions generate(causal_lm const& model, std::vector<std::vector<std::int64_t>> const& prompts,
                     sampling const& sampling, Sampler&& sampler, generation_callback const& on_step = {}) {
    sampling.check();
    check_prompts(model, prompts, sampling.max_new_tokens);
    auto const options = model.body->options();
    auto const B = static_cast<std::int64_t>(prompts.size()), T = sampling.max_new_tokens;
    bool const is_planned = PlannedSampler<std::remove_cvref_t<Sampler>> && !options.device().is_cpu();
    auto graph = sampling.graphs ? libtorch::new_step_graph(options.device()) : nullptr;
    if (sampling.graphs && !graph)
        throw std::invalid_argument("proximal: sampling.graphs needs a device whose operations can be recorded, not " +
                                    options.device().str() + "; leave it false");
    if (sampling.graphs && !is_planned)
        throw std::invalid_argument(
            "proximal: sampling.graphs needs a sampler that plans (PlannedSampler); leave it false, or give the "
            "sampler "
            "plan() and choose()");
    decode_state state{.tokens = at::full({B, T}, sampling.pad_token, options.dtype(at::kLong)),
                       .logprobs = at::zeros({B, T}, options)};
    {
        // Tensors made under inference mode may not meet autograd later: the results are made before it.
        c10::InferenceMode const no_autograd;
        if constexpr (PlannedSampler<std::remove_cvref_t<Sampler>>)
            if (is_planned) state.plan = libtorch::upload(sampler.plan(B, T), options.device());
        std::int64_t step = 0;
        auto const draw = [&](at::Tensor const& logits) { return draw_tokens(sampler, logits, sampling, state, step); };
        std::int64_t longest = prefill(model, prompts, T, state, sampling.stop_token, draw);
        std::int64_t recorded = 0;  // columns that the graph's step reads
        // for who stopped: an accelerator has to wait
        std::int64_t const look_every = options.device().is_cpu() ? 1 : 8;
        for (;;) {
            ++step;
            if (on_step) on_step(step, state.running.size(0));
            if (step == T) break;
            if (sampling.stop_token && step % look_every == 0) {
                auto const before = state.running.size(0);
                auto const staying = leave(state, sampling.graphs ? before / 2 : before - 1);
                if (staying == 0) break;
                if (staying < before) recorded = 0;
            }
            ++longest;
            if (!sampling.graphs) {
                decode_step(model, state, longest, sampling.stop_token, draw);
                continue;
            }
            auto const columns =
                std::min(state.cache.capacity, (longest + graph_columns - 1) / graph_columns * graph_columns);
            if (columns == recorded) {
                graph->replay();
                continue;
            }
            graph.reset();  // before another is recorded in the same memory
            graph = libtorch::new_step_graph(options.device());
            graph->record([&] { decode_step(model, state, columns, sampling.stop_token, draw); });
            recorded = columns;
        }
    }
    return end_at_stop(state.tokens, state.logprobs, sampling.stop_token, sampling.pad_token);
}

}  // namespace proximal::lm
