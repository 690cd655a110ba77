// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <functional>
#include <memory>
#include <optional>
#include <proximal/lm/model/autocast_scope.hpp>
#include <proximal/lm/model/forwarding_backbone.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

namespace detail {
/// A layer whose activations are dropped after it ran, and computed again when its gradient is due: in the same
/// precision, though backward may run in another thread, where autocast is off.
struct recomputed_layer : torch::autograd::Function<recomputed_layer> {
    using function = std::function<at::Tensor(at::Tensor const&)>;
    struct held final : torch::CustomClassHolder {
        held(function f, at::DeviceType of, std::optional<at::ScalarType> narrow)
            : layer(std::move(f)), device(of), dtype(narrow) {}
        function layer;
        at::DeviceType device;
        std::optional<at::ScalarType> dtype;  // autocast's; none where it was off

        at::Tensor run(at::Tensor const& x) const {
            autocast_scope const scope(device, dtype);  // a cast kept from here would know of no gradient
            return layer(x);
        }
    };
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor const& x, function const& layer) {
        context->save_for_backward({x});
        auto const device = x.device().type();
        auto const again = c10::make_intrusive<held>(layer, device, autocast_dtype(device));
        context->saved_data["layer"] = c10::IValue::make_capsule(again);
        return again->run(x);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        at::AutoGradMode const on(true);
        auto const x = context->get_saved_variables()[0].detach().requires_grad_();
        auto const capsule = context->saved_data["layer"].toCapsule();
        torch::autograd::backward({static_cast<held&>(*capsule).run(x)}, {gradients[0]});
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
class recomputing_backbone final : public forwarding_backbone {
   public:
    using forwarding_backbone::forwarding_backbone;

    at::Tensor forward(token_batch const& tokens, kv_cache* cache = nullptr) const override {
        if (cache != nullptr || !at::GradMode::is_enabled()) return of_->forward(tokens, cache);
        auto const again = [](std::size_t, auto const& layer, at::Tensor const& x) {
            // An input without a gradient (frozen embeddings) would hide the layer's parameters from autograd.
            auto const from = x.requires_grad() ? x : x.detach().requires_grad_();
            return detail::recomputed_layer::apply(from, detail::recomputed_layer::function(layer));
        };
        return of_->forward_around(again, tokens, nullptr);
    }
    std::shared_ptr<backbone> rebuild(parameter_source const& source) const override {
        return std::make_shared<recomputing_backbone>(of_->rebuild(source));
    }
};

}  // namespace proximal::lm
