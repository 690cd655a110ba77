// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Dispatch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <concepts>
#include <proximal/compose/algorithm.hpp>
#include <proximal/compose/reads.hpp>
#include <proximal/libtorch/fused_loss_gpu.hpp>
#include <proximal/libtorch/fused_sequence_mean.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/libtorch/token_grid.hpp>
#include <utility>

namespace proximal::libtorch {

/// A scalar whose gradient is known already: ∂scalar/∂inputs[i] = gradients[i]. Not differentiable twice.
struct known_gradient : torch::autograd::Function<known_gradient> {
    /// A list of tensors that is not itself differentiated by.
    struct list {
        std::vector<at::Tensor> tensors;
    };
    static at::Tensor forward(torch::autograd::AutogradContext* context, list const& scalar, list const& gradients,
                              at::TensorList) {
        context->save_for_backward(gradients.tensors);
        return scalar.tensors.front();
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list const& above) {
        torch::autograd::variable_list result(2);  // scalar and gradients have none
        bool const is_one = above[0].is_cpu() && above[0].item<double>() == 1.0;
        for (auto const& gradient : context->get_saved_variables())
            result.push_back(is_one ? gradient : gradient * above[0]);
        return result;
    }
};

/// The tensors of a batch. Of token_mean's weights mask / Σ mask the masks, since the loop can divide; of another
/// aggregation, or where weigh() fixed them, the weights.
template <class Algorithm>
token_tensors tensors_of(Algorithm const& algorithm, experience<field> const& then, prediction<field> const& now) {
    token_tensors tensors;
    symbol const read = reads_of(algorithm.formula);  // of the rest the loop needs nothing
    bool const divides = std::same_as<std::remove_cvref_t<decltype(algorithm.mean)>, token_mean> &&
                         absent(then.weights) && absent(then.value_weights);
    token_fields.for_each([&](auto field) {
        auto const& where = over_values(field.counts) ? then.value_mask : then.mask;
        auto& tensor = tensors[field.index];
        if constexpr (field.held_by == holder::prediction) {
            tensor = field.of(now).tensor;
        } else if constexpr (field.held_by != holder::token) {
            auto const& x = field.of(then);
            if constexpr (is_weight(field.counts))
                tensor = divides ? where.tensor : absent(x) ? algorithm.mean(where).tensor : x.tensor;
            else if constexpr (field.counts == extent::row)
                tensor = read.reads(field.id) ? spread(x, where).tensor : at::Tensor{};
            else if (read.reads(field.id)) tensor = x.tensor;
        }
    });
    tensors[static_cast<std::size_t>(source::mask)] = then.mask.tensor;
    tensors[static_cast<std::size_t>(source::value_mask)] = then.value_mask.tensor;
    return tensors;
}

/// Whether one pass may read these: of one device, shape and dtype, float or double, and only predictions learn.
inline bool fusible(token_tensors const& tensors) {
    auto const& model = tensors[static_cast<std::size_t>(source::mask)];
    bool possible = model.scalar_type() == at::kFloat || model.scalar_type() == at::kDouble;
    for (std::size_t k = 0; k < tensors.size(); ++k) {
        auto const& x = tensors[k];
        if (x.defined())
            possible = possible && x.device() == model.device() && x.dtype() == model.dtype() &&
                       x.sizes().equals(model.sizes()) && (k < predictions || !x.requires_grad());
    }
    return possible;
}

/// algorithm.measure(then, now) in one pass over the tokens: the loss, its gradient and the metrics, [] each.
///
/// The formula runs on packs of numbers that carry three partials, so whatever composes is fused, a user's own term
/// too; values and gradients are the composite's, ties included. A term over whole responses costs one pass more. The
/// result does not depend on the number of threads. Differentiable once by logprobs, values and entropies.
/// On CUDA it is a kernel generated from the formula, and nothing waits. What is on another device, not float or
/// double, or of several dtypes goes to algorithm.measure.
/// Throws std::invalid_argument where a term reads an array that is absent, and where shapes differ.
template <class Algorithm>
auto fused_loss(Algorithm const& algorithm, experience<field> const& then, prediction<field> const& now)
    -> decltype(algorithm.measure(then, now)) {
    refuse_unreadable(algorithm.formula, then, now);
    if (absent(then.mask) || absent(then.value_mask)) return algorithm.measure(then, now);
    auto tensors = tensors_of(algorithm, then, now);
    auto const* const launch = cuda::launcher_for(then.mask.tensor);
    if (!fusible(tensors) || (!then.mask.tensor.is_cpu() && launch == nullptr)) return algorithm.measure(then, now);
    auto const of = [&](source which) -> at::Tensor& { return tensors[static_cast<std::size_t>(which)]; };
    std::array<at::Tensor, predictions> gradients;
    std::vector<at::Tensor> learning;
    known_gradient::list known;
    for (int p = 0; p < predictions; ++p)
        if (tensors[p].defined() && tensors[p].requires_grad() && at::GradMode::is_enabled()) {
            learning.push_back(tensors[p]);
            known.tensors.push_back(gradients[p] = at::empty(tensors[p].sizes(), then.mask.tensor.options()));
        }
    return [&]<class... Metrics>(measured<field, Metrics...> const*) {
        auto const options = then.mask.tensor.options();
        auto const result = [&](auto const& sum) {
            at::Tensor const loss = learning.empty() ? sum(0)
                                                     : known_gradient::apply(known_gradient::list{{sum(0)}}, known,
                                                                             at::TensorList(learning));
            std::size_t k = 1;
            return measured<field, Metrics...>{loss, {Metrics{field(sum(k++))}...}};
        };
        // The loop divides by the mask's sum itself; a kernel is given the weights.
        bool const divides = of(source::weight).is_same(of(source::mask));
        if (launch != nullptr && divides) {
            of(source::weight) = algorithm.mean(then.mask).tensor;
            of(source::value_weight) = algorithm.mean(then.value_mask).tensor;
        }
        for (std::size_t k = 0; k < tensors.size(); ++k)
            if (tensors[k].defined())
                tensors[k] = k < predictions ? tensors[k].detach().contiguous() : tensors[k].contiguous();
        if (launch != nullptr) {
            at::Tensor const sums =
                fuse_on_gpu(*launch, algorithm.formula, tensors, gradients, 1 + sizeof...(Metrics)).to(options.dtype());
            return result([&](std::size_t k) { return sums.select(0, static_cast<std::int64_t>(k)).clone(); });
        }
        std::array<double, 1 + sizeof...(Metrics)> sums;
        AT_DISPATCH_FLOATING_TYPES(of(source::mask).scalar_type(), "proximal::fused_loss", [&] {
            token_grid<scalar_t> grid{.tokens = of(source::mask).numel()};
            if (divides) {
                grid.responses = std::max<scalar_t>(1, of(source::mask).sum().template item<scalar_t>());
                grid.values = std::max<scalar_t>(1, of(source::value_mask).sum().template item<scalar_t>());
            }
            for (std::size_t k = 0; k < tensors.size(); ++k)
                if (tensors[k].defined()) grid.arrays[k] = tensors[k].template const_data_ptr<scalar_t>();
            for (int p = 0; p < predictions; ++p)
                if (gradients[p].defined()) grid.gradients[p] = gradients[p].template mutable_data_ptr<scalar_t>();
            if constexpr (SequenceLevel<decltype(algorithm.formula)>) {
                of(source::sequence_mean) = at::empty_like(of(source::mask));
                auto* const means = of(source::sequence_mean).template mutable_data_ptr<scalar_t>();
                fuse_sequence_means(algorithm.formula, grid, of(source::mask).size(-1), means);
                grid.arrays[static_cast<std::size_t>(source::sequence_mean)] = means;
            }
            sums = fuse<1 + sizeof...(Metrics)>(algorithm.formula, grid);
        });
        return result([&](std::size_t k) { return at::scalar_tensor(sums[k], options); });
    }(static_cast<decltype(algorithm.measure(then, now)) const*>(nullptr));
}

}  // namespace proximal::libtorch
