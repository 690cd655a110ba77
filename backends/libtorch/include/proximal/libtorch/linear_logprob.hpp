// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <proximal/libtorch/logprob.hpp>

namespace proximal::libtorch {

/// lm_head on a chunk of rows, into `buffer` where the dtype allows: float or double logits [n, V].
inline at::Tensor chunk_logits(at::Tensor const& hidden, at::Tensor const& weight, at::Tensor const& buffer) {
    if (hidden.scalar_type() != buffer.scalar_type()) return hidden.mm(weight.t()).to(buffer.scalar_type());
    auto logits = buffer.narrow(0, 0, hidden.size(0));
    at::mm_out(logits, hidden, weight.t());
    return logits;
}

/// The dtype in which a head's logits are summed: that of the weights, or float for the narrow ones.
inline at::ScalarType logits_type(at::Tensor const& weight) {
    return weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

/// Keeps hidden, weight and two numbers a row; of the logits the last chunk only, which backward takes first.
struct linear_logprob_function : torch::autograd::Function<linear_logprob_function> {
    /// Where forward leaves what backward reads.
    using context = torch::autograd::AutogradContext;
    using tensors = torch::autograd::variable_list;

    static tensors forward(context* context, at::Tensor const& hidden, at::Tensor const& weight,
                           at::Tensor const& targets, double scale, std::int64_t chunk) {
        std::int64_t const rows = hidden.size(0);
        auto const options = hidden.options().dtype(logits_type(weight));
        auto const numbers = [&] { return at::empty({rows}, options); };
        softmax_rows const all{numbers(), numbers(), numbers(), numbers()};
        auto const buffer = at::empty({std::min(chunk, rows), weight.size(0)}, options);
        at::Tensor last;
        for (std::int64_t from = 0; from < rows; from += chunk) {
            std::int64_t const count = std::min(chunk, rows - from);
            last = chunk_logits(hidden.narrow(0, from, count), weight, buffer);
            auto const some = rows_of_softmax(last, targets.narrow(0, from, count), scale);
            all.logprob.narrow(0, from, count).copy_(some.logprob);
            all.entropy.narrow(0, from, count).copy_(some.entropy);
            all.highest.narrow(0, from, count).copy_(some.highest);
            all.log_total.narrow(0, from, count).copy_(some.log_total);
        }
        context->save_for_backward({hidden, weight, targets, all.entropy, all.highest, all.log_total});
        context->saved_data["last"] = last;
        context->saved_data["scale"] = scale;
        context->saved_data["chunk"] = chunk;
        context->set_materialize_grads(true);
        return {all.logprob, all.entropy.clone()};
    }
    static tensors backward(context* context, tensors const& above) {
        auto const saved = context->get_saved_variables();
        auto const hidden = saved[0].detach(), weight = saved[1].detach(), targets = saved[2];
        std::int64_t const rows = hidden.size(0), chunk = context->saved_data["chunk"].toInt();
        double const scale = context->saved_data["scale"].toDouble();
        bool const learns_hidden = context->needs_input_grad(0), learns_weight = context->needs_input_grad(1);
        auto const options = hidden.options().dtype(logits_type(weight));
        auto last = context->saved_data["last"].toTensor();
        context->saved_data["last"] = at::Tensor();  // overwritten below: a second backward computes it anew
        at::Tensor buffer = last.defined() && chunk >= rows ? last : at::Tensor();
        at::Tensor d_hidden, d_weight;
        if (learns_hidden) d_hidden = at::empty_like(hidden);
        if (learns_weight) d_weight = at::zeros(weight.sizes(), options);
        for (std::int64_t from = rows == 0 ? -1 : (rows - 1) / chunk * chunk; from >= 0; from -= chunk) {
            std::int64_t const count = std::min(chunk, rows - from);
            auto const some = hidden.narrow(0, from, count);
            at::Tensor logits = std::exchange(last, {});
            if (!logits.defined()) {
                if (!buffer.defined()) buffer = at::empty({std::min(chunk, rows), weight.size(0)}, options);
                logits = chunk_logits(some, weight, buffer);
            }
            auto const part = [&](at::Tensor const& x) { return x.narrow(0, from, count); };
            softmax_rows const known{{}, part(saved[3]), part(saved[4]), part(saved[5])};
            gradient_of_softmax(logits, part(targets), scale, known, part(above[0]), part(above[1]), logits);
            if (learns_hidden) d_hidden.narrow(0, from, count).copy_(logits.to(weight.scalar_type()).mm(weight));
            if (learns_weight) d_weight.addmm_(logits.t(), some.to(logits.scalar_type()));
        }
        return {d_hidden, d_weight.defined() ? d_weight.to(weight.scalar_type()) : d_weight, {}, {}, {}};
    }
};

/// Throws std::invalid_argument where hidden [N, H], weight [V, H] or the chunk do not fit each other.
inline void check_head(at::Tensor const& hidden, at::Tensor const& weight, at::Tensor const& targets,
                       std::int64_t chunk) {
    if (hidden.dim() != 2 || weight.dim() != 2 || hidden.size(1) != weight.size(1) || hidden.dtype() != weight.dtype())
        throw std::invalid_argument("proximal: hidden must be [N, H] and weight [V, H], of one dtype");
    if (chunk < 1)
        throw std::invalid_argument("proximal: chunk must be at least 1 row, but is " + std::to_string(chunk));
    check_targets(targets, hidden.size(0), weight.size(0));
}

/// Rows of logits that are in memory at a time. Fewer cost the matrix product more than they save.
inline constexpr std::int64_t default_chunk = 1024;

/// token_logprobs(hidden · weightᵀ, targets, temperature) without ever holding [N, V]: lm_head, log-softmax, gather and
/// entropy run on `chunk` rows at a time, forward and backward; backward computes the logits again, except for the last
/// chunk's, which are still there. hidden [N, H], weight [V, H] of one dtype; narrow ones multiply as they are and are
/// summed in float. Any device. A frozen head or body costs no product.
/// Source: Liger kernel's and verl's fused linear cross entropy do the same on GPUs.
inline token_logprob linear_logprobs(at::Tensor const& hidden, at::Tensor const& weight, at::Tensor const& targets,
                                     double temperature = 1.0, std::int64_t chunk = default_chunk) {
    check_head(hidden, weight, targets, chunk);
    auto const out = linear_logprob_function::apply(hidden, weight, targets, scale_of(temperature), chunk);
    return {out[0], out[1]};
}

/// The log-probabilities alone, without gradient: of a reference model. [N]
inline at::Tensor reference_logprobs(at::Tensor const& hidden, at::Tensor const& weight, at::Tensor const& targets,
                                     double temperature = 1.0, std::int64_t chunk = default_chunk) {
    at::NoGradGuard const no_gradient;
    check_head(hidden, weight, targets, chunk);
    double const scale = scale_of(temperature);
    std::int64_t const rows = hidden.size(0);
    auto const options = hidden.options().dtype(logits_type(weight)).requires_grad(false);
    auto const result = at::empty({rows}, options),
               buffer = at::empty({std::min(chunk, rows), weight.size(0)}, options);
    for (std::int64_t from = 0; from < rows; from += chunk) {
        std::int64_t const count = std::min(chunk, rows - from);
        auto const logits = chunk_logits(hidden.narrow(0, from, count), weight, buffer);
        result.narrow(0, from, count).copy_(rows_of_softmax(logits, targets.narrow(0, from, count), scale).logprob);
    }
    return result;
}

}  // namespace proximal::libtorch
