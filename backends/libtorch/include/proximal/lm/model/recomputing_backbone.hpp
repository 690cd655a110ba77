// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <functional>
#include <memory>
#include <proximal/lm/model/backbone.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

namespace detail {
/// A layer whose activations are dropped after it ran, and computed again when its gradient is due.
struct recomputed_layer : torch::autograd::Function<recomputed_layer> {
    using function = std::function<at::Tensor(at::Tensor const&)>;
    struct held final : torch::CustomClassHolder {
        explicit held(function f) : layer(std::move(f)) {}
        function layer;
    };
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor const& x, function const& layer) {
        context->save_for_backward({x});
        context->saved_data["layer"] = c10::IValue::make_capsule(c10::make_intrusive<held>(layer));
        return layer(x);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        at::AutoGradMode const on(true);
        auto const x = context->get_saved_variables()[0].detach().requires_grad_();
        auto const capsule = context->saved_data["layer"].toCapsule();
        torch::autograd::backward({static_cast<held&>(*capsule).layer(x)}, {gradients[0]});
        return {x.grad(), {}};
    }
};
}  // namespace detail

/// A backbone that keeps of each layer its input alone and runs it again in backward (`--gradient_checkpointing`):
/// memory for activations falls from all layers' to one layer's, for one forward pass more.
///
/// Gradients are those of the backbone it stands for, bit for bit, and so are its parameters. Without a gradient, and
/// with a cache, it is that backbone. Source: Chen et al., Training Deep Nets with Sublinear Memory Cost (2016), arXiv
/// 1604.06174.
class recomputing_backbone final : public backbone {
   public:
    explicit recomputing_backbone(std::shared_ptr<backbone> of) : of_(std::move(of)) {}

    at::Tensor forward(token_batch const& tokens, kv_cache* cache = nullptr) const override {
        if (cache != nullptr || !at::GradMode::is_enabled()) return of_->forward(tokens, cache);
        auto const again = [](std::size_t, auto const& layer, at::Tensor const& x) {
            // An input without a gradient (frozen embeddings) would hide the layer's parameters from autograd.
            auto const from = x.requires_grad() ? x : x.detach().requires_grad_();
            return detail::recomputed_layer::apply(from, detail::recomputed_layer::function(layer));
        };
        return of_->forward_around(again, tokens, nullptr);
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
    std::shared_ptr<backbone> rebuild(parameter_source const& source) const override {
        return std::make_shared<recomputing_backbone>(of_->rebuild(source));
    }

   private:
    std::shared_ptr<backbone> of_;
};

}  // namespace proximal::lm
