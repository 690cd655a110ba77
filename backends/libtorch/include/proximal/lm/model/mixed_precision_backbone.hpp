// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <proximal/lm/model/autocast_scope.hpp>
#include <proximal/lm/model/forwarding_backbone.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace proximal::lm {

/// A backbone of float32 weights that multiplies matrices in bfloat16 or float16 (`--bf16`, `--fp16`): LibTorch's
/// autocast around its layers. Norms, the residual stream, the hidden states it gives and all gradients are float32;
/// its cache of keys and values is of the narrow dtype.
///
/// A departure from torch.autocast around a whole model, and from TRL with it: heads stand apart from a backbone, and
/// stay float32, so that log-probs and values are not rounded to 8 or 11 bits. (On a GPU the factors of their products
/// are, to TF32's 11, unless --tf32 false: see set_precision. The sums are not.)
/// While a cache is filled, casts of the weights are kept from token to token; any other forward keeps none.
/// Source: Micikevicius et al., Mixed Precision Training (2018), arXiv 1710.03740.
/// Throws std::invalid_argument where the weights are not float32, the dtype is neither, or LibTorch has no autocast
/// for their device.
class mixed_precision_backbone final : public forwarding_backbone {
   public:
    mixed_precision_backbone(std::shared_ptr<backbone> of, at::ScalarType dtype)
        : forwarding_backbone(std::move(of)), dtype_(dtype), device_(of_->options().device().type()) {
        auto const refuse = [](std::string const& why) { throw std::invalid_argument("proximal: " + why); };
        if (dtype != at::kBFloat16 && dtype != at::kHalf)
            refuse("mixed precision computes in at::kBFloat16 or at::kHalf, not in " +
                   std::string(c10::toString(dtype)));
        if (auto const weights = of_->token_embedding().scalar_type(); weights != at::kFloat)
            refuse("mixed precision is of float32 weights, and these are of " + std::string(c10::toString(weights)) +
                   ": load the model as at::kFloat");
        if (!at::autocast::is_autocast_available(device_))
            refuse("LibTorch has no mixed precision for the device " + of_->options().device().str() +
                   ": compute in float32");
    }

    at::Tensor forward(token_batch const& tokens, kv_cache* cache = nullptr) const override {
        return narrowly(cache, [&] { return of_->forward(tokens, cache); });
    }
    at::Tensor run_layer(std::size_t index, at::Tensor const& x, token_batch const& tokens,
                         kv_cache* cache) const override {
        return narrowly(cache, [&] { return of_->run_layer(index, x, tokens, cache); });
    }
    kv_cache make_cache(std::int64_t row_count, std::int64_t capacity) const override {
        auto cache = of_->make_cache(row_count, capacity);
        for (auto* side : {&cache.keys, &cache.values})
            for (auto& layer : *side) layer = layer.to(dtype_);
        return cache;
    }
    std::shared_ptr<backbone> rebuild(parameter_source const& source) const override {
        return std::make_shared<mixed_precision_backbone>(of_->rebuild(source), dtype_);
    }

   private:
    at::Tensor narrowly(kv_cache const* cache, auto const& compute) const {
        // Casts made for an older cache, or before the optimizer moved the weights, are nothing to go on with.
        if (cache == nullptr || cache->length == 0) at::autocast::clear_cache();
        autocast_scope const scope(device_, dtype_, /*keeps_casts=*/cache != nullptr);
        return compute().to(at::kFloat);
    }

    at::ScalarType dtype_;
    at::DeviceType device_;
};

}  // namespace proximal::lm
