// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <proximal/lm/model/backbone.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A backbone that does in everything what another does. One that does some of it differently derives from this one,
/// and says only what differs:
///
///     struct counting_backbone final : forwarding_backbone {
///         using forwarding_backbone::forwarding_backbone;
///         mutable int forwards = 0;
///         at::Tensor forward(token_batch const& tokens, kv_cache* cache) const override {
///             return ++forwards, of_->forward(tokens, cache);
///         }
///     };
///
/// rebuild() gives what the other's gives, without a wrapper: one that shall last overrides it.
class forwarding_backbone : public backbone {
   public:
    explicit forwarding_backbone(std::shared_ptr<backbone> of) : of_(std::move(of)) {}

    at::Tensor forward(token_batch const& tokens, kv_cache* cache = nullptr) const override {
        return of_->forward(tokens, cache);
    }
    at::Tensor embed(token_batch const& tokens) const override { return of_->embed(tokens); }
    std::size_t layer_count() const override { return of_->layer_count(); }
    at::Tensor run_layer(std::size_t index, at::Tensor const& x, token_batch const& tokens,
                         kv_cache* cache) const override {
        return of_->run_layer(index, x, tokens, cache);
    }
    at::Tensor finish(at::Tensor const& x) const override { return of_->finish(x); }
    std::vector<named_tensor> const& parameters() const override { return of_->parameters(); }
    std::int64_t hidden_size() const override { return of_->hidden_size(); }
    std::int64_t vocabulary_size() const override { return of_->vocabulary_size(); }
    std::int64_t max_positions() const override { return of_->max_positions(); }
    at::Tensor token_embedding() const override { return of_->token_embedding(); }
    kv_cache make_cache(std::int64_t row_count, std::int64_t capacity) const override {
        return of_->make_cache(row_count, capacity);
    }
    std::shared_ptr<backbone> rebuild(parameter_source const& source) const override { return of_->rebuild(source); }

   protected:
    std::shared_ptr<backbone> of_;
};

}  // namespace proximal::lm
