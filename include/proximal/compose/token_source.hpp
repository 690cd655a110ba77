// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/for_each.hpp>
#include <proximal/compose/total.hpp>
#include <proximal/numeric/source_text.hpp>

namespace proximal {

/// A token whose members are inputs of their names.
inline differentiated_token<trace> traced_token() {
    using now = number<trace, 3>;
    auto const then = [](char const* name) { return number<trace>::constant(trace::input(name)); };
    return {.logprob = now::variable<0>(trace::input("logprob")),
            .value = now::variable<1>(trace::input("value")),
            .entropy = now::variable<2>(trace::input("entropy")),
            .old_logprob = then("old_logprob"),
            .ref_logprob = then("ref_logprob"),
            .old_value = then("old_value"),
            .advantage = then("advantage"),
            .return_ = then("return_"),
            .score = then("score"),
            .sequence_mean = then("sequence_mean"),
            .weight = then("weight"),
            .value_weight = then("value_weight")};
}

/// What a token adds to a batch's loss, to its gradient and to its metrics, as C text: the body of a fused kernel.
///
/// Inputs are called as the members of token. Outputs: loss, d_logprob, d_value, d_entropy, and metric_0, metric_1, ...
/// in the order in which measure() lists the metrics. The knobs' values are constants of the text.
template <TokenLoss Formula>
source_text token_source(Formula const& formula) {
    auto const one = contribution(formula, traced_token());
    number<trace, 3> const loss = one.loss;
    std::vector<std::pair<std::string, trace>> results{{"loss", loss.value},
                                                       {"d_logprob", loss.partials[0]},
                                                       {"d_value", loss.partials[1]},
                                                       {"d_entropy", loss.partials[2]}};
    int i = 0;
    boost::hana::for_each(one.metrics, [&](auto const& metric) {
        results.emplace_back("metric_" + std::to_string(i++), metric.value.value);
    });
    return source_text(results);
}

/// What a token adds to its response's sequence mean, as C text: the output is `averaged`.
template <SequenceLevel Formula>
source_text averaged_source(Formula const& formula) {
    number<trace, 3> const averaged = formula.averaged(traced_token());
    return source_text({{"averaged", averaged.value}});
}

}  // namespace proximal
