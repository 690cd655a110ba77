// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <cstddef>
#include <map>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/parameter_unit.hpp>
#include <proximal/lm/model/forwarding_backbone.hpp>
#include <proximal/lm/model/layer_of.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

namespace detail {
struct held_unit final : torch::CustomClassHolder {
    held_unit(std::shared_ptr<parameter_unit> of, std::shared_ptr<parameter_unit> after)
        : unit(std::move(of)), next(std::move(after)) {}
    std::shared_ptr<parameter_unit> unit, next;  // null: there is none after it
};
/// Nothing on the way forward; backward holds a unit, or releases it, as it passes.
template <bool Holds>
struct at_backward : torch::autograd::Function<at_backward<Holds>> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor const& x,
                              std::shared_ptr<parameter_unit> const& unit,
                              std::shared_ptr<parameter_unit> const& next) {
        context->saved_data["unit"] = c10::IValue::make_capsule(c10::make_intrusive<held_unit>(unit, next));
        return x.detach();
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        auto const capsule = context->saved_data["unit"].toCapsule();
        auto const& held = static_cast<held_unit&>(*capsule);
        Holds ? held.unit->hold() : held.unit->release();
        if (Holds && held.next) held.next->prepare();
        return {gradients[0], {}, {}};
    }
};
}  // namespace detail

/// A backbone of whose layers each process keeps a slice (`--sharding zero3`): a layer is gathered from all processes
/// when it runs, forward and backward, while the one before it still runs, and freed after. Embeddings, the final norm
/// and heads stay whole.
///
/// Its results and gradients are those of the backbone it stands for, bit for bit. Every process runs it equally often.
/// Source: Rajbhandari et al. (2020), arXiv 1910.02054, stage 3; Zhao et al., PyTorch FSDP (2023), arXiv 2304.11277.
class sharded_backbone final : public forwarding_backbone {
   public:
    sharded_backbone(std::shared_ptr<backbone> of, std::shared_ptr<communicator> const& world)
        : forwarding_backbone(std::move(of)) {
        std::map<std::size_t, std::vector<named_tensor>> layers;
        for (auto const& parameter : of_->parameters())
            if (auto const layer = layer_of(parameter.name)) layers[*layer].push_back(parameter);
        for (auto const& [layer, parameters] : layers)
            units_.push_back(std::make_shared<parameter_unit>(parameters, world));
        last_ = units_.size() - 1;
    }

    at::Tensor run_layer(std::size_t index, at::Tensor const& x, token_batch const& tokens,
                         kv_cache* cache) const override {
        auto const& unit = units_.at(index);
        auto const none = std::shared_ptr<parameter_unit>();
        auto const before = index == 0 ? none : units_[index - 1];
        auto const after = index + 1 == units_.size() ? none : units_[index + 1];
        // Recomputed layers run from the last to the first.
        auto const& next = index > last_ || (index == 0 && last_ + 1 == units_.size()) ? after : before;
        last_ = index;
        bool const is_learning = at::GradMode::is_enabled();
        unit->hold();
        if (next) next->prepare();
        at::Tensor const from = is_learning && x.requires_grad() ? detail::at_backward<false>::apply(x, unit, none) : x;
        at::Tensor const y = of_->run_layer(index, from, tokens, cache);
        at::Tensor const to = is_learning && y.requires_grad() ? detail::at_backward<true>::apply(y, unit, before) : y;
        unit->release();
        return to;
    }
    at::Tensor forward(token_batch const& tokens, kv_cache* cache = nullptr) const override {
        return forward_around(plain_call{}, tokens, cache);
    }

    /// The layers, from first to last.
    parameter_units const& units() const { return units_; }

   private:
    parameter_units units_;
    mutable std::size_t last_ = 0;  // the layer that ran last
};

}  // namespace proximal::lm
