// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include <proximal/libtorch/softmax_rows.hpp>

namespace proximal::libtorch {

/// What a model says of N tokens: [N] each, differentiable.
struct token_logprob {
    at::Tensor logprob;  // log p(target)
    at::Tensor entropy;  // of the whole distribution
};

/// 1 / temperature. Throws std::invalid_argument where it is none.
inline double scale_of(double temperature) {
    if (!(temperature > 0.0))
        throw std::invalid_argument("proximal: temperature must be above 0, but is " + std::to_string(temperature));
    return 1.0 / temperature;
}

/// Keeps the logits, not the probabilities; backward writes over them where that is allowed.
struct token_logprob_function : torch::autograd::Function<token_logprob_function> {
    /// Where forward leaves what backward reads.
    using context = torch::autograd::AutogradContext;
    using tensors = torch::autograd::variable_list;

    static tensors forward(context* context, at::Tensor const& logits, at::Tensor const& targets, double scale,
                           bool in_place) {
        auto const x = logits.contiguous();
        auto const known = rows_of_softmax(x, targets, scale);
        context->save_for_backward({x, targets, known.entropy, known.highest, known.log_total});
        context->saved_data["scale"] = scale;
        context->saved_data["in_place"] = in_place;
        context->set_materialize_grads(true);
        return {known.logprob, known.entropy.clone()};
    }
    static tensors backward(context* context, tensors const& above) {
        auto const saved = context->get_saved_variables();
        bool const in_place = context->saved_data["in_place"].toBool();
        if (context->saved_data.count("spent"))
            throw std::runtime_error(
                "proximal: token_logprobs in place has overwritten its logits: backward runs once");
        if (in_place) context->saved_data["spent"] = true;
        auto const logits = saved[0].detach();
        auto const out = in_place ? logits : at::empty_like(logits);
        gradient_of_softmax(logits, saved[1], context->saved_data["scale"].toDouble(),
                            {{}, saved[2], saved[3], saved[4]}, above[0], above[1], out);
        return {out, {}, {}, {}};
    }
};

/// Log-probability of each target and entropy of its distribution, from logits [N, V]:
///
///     z = logits / temperature,   log p = z[target] − log Σ eᶻ,   H = −Σ p log p
///
/// One reading of the logits forward and one backward: no [N, V] beside them is made. With `in_place`, backward writes
/// the gradient into the logits' memory: allowed where nobody reads them afterwards (fresh output of lm_head), and
/// backward can then run once only. float and double on the CPU run row kernels, bfloat16 and half go through float,
/// and other devices run ATen's operations with the same backward.
/// A logit of −∞ is an impossible token: no part in sums or gradients. NaN, or a row of −∞ alone, gives NaN.
/// Throws std::invalid_argument for shapes, targets outside the vocabulary, or a temperature that is not positive.
inline token_logprob token_logprobs(at::Tensor const& logits, at::Tensor const& targets, double temperature = 1.0,
                                    bool in_place = false) {
    double const scale = scale_of(temperature);
    if (logits.dim() != 2 || logits.size(1) == 0)
        throw std::invalid_argument("proximal: logits must be [N, V] with V > 0");
    check_targets(targets, logits.size(0), logits.size(1));
    bool const narrow = logits.scalar_type() == at::kBFloat16 || logits.scalar_type() == at::kHalf;
    auto const out =
        token_logprob_function::apply(narrow ? logits.to(at::kFloat) : logits, targets, scale, in_place || narrow);
    return {out[0], out[1]};
}

}  // namespace proximal::libtorch
