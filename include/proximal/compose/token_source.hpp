// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/for_each.hpp>
#include <proximal/compose/total.hpp>
#include <proximal/numeric/source_text.hpp>

namespace proximal {

/// A token whose members are inputs of their names.
inline differentiated_token<trace> traced_token() {
    return token_of<differentiated_token<trace>>([](auto field) {
        trace const input = trace::input(std::string(field.name));
        if constexpr (field.held_by == holder::prediction) return differentiated<trace>::variable<field.index>(input);
        else return number<trace>::constant(input);
    });
}

/// What a token adds to a batch's loss, to its gradient and to its metrics, as C text: the body of a fused kernel.
///
/// Inputs are called as the members of token. Outputs: loss, d_logprob, d_value, d_entropy, and metric_0, metric_1, ...
/// in the order in which measure() lists the metrics. The knobs' values are constants of the text.
template <TokenLoss Formula>
source_text token_source(Formula const& formula) {
    auto const one = contribution(formula, traced_token());
    differentiated<trace> const loss = one.loss;
    std::vector<std::pair<std::string, trace>> results{{"loss", loss.value}};
    predicted_fields.for_each([&](auto field) {
        results.emplace_back("d_" + std::string(field.name), loss.template partial<field.index>());
    });
    int i = 0;
    boost::hana::for_each(one.metrics, [&](auto const& metric) {
        results.emplace_back("metric_" + std::to_string(i++), metric.value.value);
    });
    return source_text(results);
}

/// What a token adds to its response's sequence mean, as C text: the output is `averaged`.
template <SequenceLevel Formula>
source_text averaged_source(Formula const& formula) {
    differentiated<trace> const averaged = formula.averaged(traced_token());
    return source_text({{"averaged", averaged.value}});
}

}  // namespace proximal
