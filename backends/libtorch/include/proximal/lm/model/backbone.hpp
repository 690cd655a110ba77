// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <proximal/lm/model/kv_cache.hpp>
#include <proximal/lm/model/parameter.hpp>
#include <proximal/lm/model/run_layers.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A transformer without a head. Heads stand apart, so that each runs on the positions it is asked for and no others.
///
/// Parameters are leaves that the caller switches on (set_requires_grad). Dropout is off, as TRL runs its models.
class backbone {
   public:
    virtual ~backbone() = default;

    /// [N, H]: the hidden state of every token after the final layer norm. A batch of no tokens gives none.
    ///
    /// A backbone of another kind (one that recomputes, one that holds shards) replaces it by forward_around.
    /// Throws std::invalid_argument for what check() refuses.
    virtual at::Tensor forward(token_batch const& tokens, kv_cache* cache = nullptr) const {
        return forward_around(plain_call{}, tokens, cache);
    }

    /// The same with a wrapper around every layer: see run_layers.
    template <class Around>
    at::Tensor forward_around(Around&& around, token_batch const& tokens, kv_cache* cache = nullptr) const {
        check(tokens, cache);
        auto const x = run_layers(*this, tokens, embed(tokens), cache, std::forward<Around>(around));
        if (cache) cache->length = tokens.longest;
        return finish(x);
    }

    /// [N, H]: what goes into the first layer.
    virtual at::Tensor embed(token_batch const& tokens) const = 0;
    /// How many layers there are.
    virtual std::size_t layer_count() const = 0;
    /// Layer `index` of [N, H], with its keys and values kept in the cache, where there is one.
    virtual at::Tensor run_layer(std::size_t index, at::Tensor const& x, token_batch const& tokens,
                                 kv_cache* cache) const = 0;
    /// The final norm of what comes out of the last layer. [N, H]
    virtual at::Tensor finish(at::Tensor const& x) const = 0;

    /// Hugging Face's names, in the order of its named_parameters().
    virtual std::vector<named_tensor> const& parameters() const = 0;

    /// H, the width of a hidden state.
    virtual std::int64_t hidden_size() const = 0;
    /// V, the tokens that have an embedding.
    virtual std::int64_t vocabulary_size() const = 0;
    /// The longest sequence that positions are there for.
    virtual std::int64_t max_positions() const = 0;

    /// [V, H]: what a tied lm_head shares.
    virtual at::Tensor token_embedding() const = 0;
    /// An empty cache for that many rows of at most that many tokens.
    virtual kv_cache make_cache(std::int64_t row_count, std::int64_t capacity) const = 0;

    /// The same architecture on other parameters.
    virtual std::shared_ptr<backbone> rebuild(parameter_source const& source) const = 0;

    /// The dtype and device that its inputs and its head must have.
    at::TensorOptions options() const { return token_embedding().options().requires_grad(false); }

    /// Throws std::invalid_argument for what LibTorch would refuse late, unclearly or not at all: a row longer than
    /// max_positions(), a token without an embedding (where looking costs no wait), a cache that does not fit, or one
    /// that a gradient would have to pass through.
    void check(token_batch const& tokens, kv_cache const* cache) const {
        auto const refuse = [](std::string const& why) { throw std::invalid_argument("proximal: " + why); };
        if (tokens.longest > max_positions())
            refuse("a row of " + std::to_string(tokens.longest) + " tokens is longer than the model's " +
                   std::to_string(max_positions()) + " positions; shorten the prompt or the response");
        if (tokens.ids.is_cpu() && tokens.size() > 0) {  // an accelerator would have to wait
            auto const [least, greatest] = tokens.ids.aminmax();
            for (auto const& end : {least, greatest})
                if (auto const id = end.item<std::int64_t>(); id < 0 || id >= vocabulary_size())
                    refuse("the token " + std::to_string(id) + " outside of the model's vocabulary of " +
                           std::to_string(vocabulary_size()) + " was fed; use the tokenizer that belongs to the model");
        }
        if (!cache) return;
        if (tokens.seen.defined()) refuse("a cache takes no tokens that are asked but not seen; pack without them");
        if (tokens.longest > cache->capacity || tokens.row_count > cache->row_count)
            refuse("the tokens do not fit in the cache; make it with enough rows and capacity");
        if (cache->length > 0 && (tokens.size() != tokens.row_count || tokens.row_count != cache->row_count))
            refuse("a filled cache takes one new token per row; start with a new cache");
        if (c10::GradMode::is_enabled() &&
            std::ranges::any_of(parameters(), [](auto const& parameter) { return parameter.tensor.requires_grad(); }))
            refuse("no gradient passes through a cache; generate under at::NoGradGuard");
    }
};

}  // namespace proximal::lm
