// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <proximal/lm/model/kv_cache.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <utility>

namespace proximal::lm {

/// One layer of a backbone on one batch: x [N, H] to [N, H]. It may be kept and called again, to recompute what it
/// computed, as long as the backbone (and the cache) live; it holds the batch itself.
template <class Backbone>
struct layer_call {
    Backbone const* body;
    std::size_t index;
    token_batch tokens;
    kv_cache* cache;

    /// What the layer makes of hidden states.
    at::Tensor operator()(at::Tensor const& x) const { return body->run_layer(index, x, tokens, cache); }
};

/// Wraps nothing around a layer.
struct plain_call {
    at::Tensor operator()(std::size_t /*index*/, auto const& layer, at::Tensor const& x) const { return layer(x); }
};

/// The layers of a backbone, from first to last: x [N, H], as embedded, to [N, H], before the final norm.
///
/// `around(index, layer, x)` is called once per layer in place of layer(x), and gives what layer(x) gives: the seam for
/// recomputing activations in backward, gathering a layer's shards before it and freeing them after, moving activations
/// off the device. A layer is a layer_call. Every layer runs on every batch, an empty one too, so a wrapper that
/// communicates meets its peers.
template <class Backbone, class Around = plain_call>
at::Tensor run_layers(Backbone const& body, token_batch const& tokens, at::Tensor x, kv_cache* cache = nullptr,
                      Around&& around = {}) {
    for (std::size_t i = 0; i < body.layer_count(); ++i)
        x = around(i, layer_call<Backbone>{&body, i, tokens, cache}, std::as_const(x));
    return x;
}

}  // namespace proximal::lm
