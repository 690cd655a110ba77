// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/for_each.hpp>
#include <proximal/compose/total.hpp>
#include <proximal/numeric/source_text.hpp>

namespace proximal {

/// What a token adds to a batch's loss, to its gradient and to its metrics, as C text: the body of a fused kernel.
///
/// Inputs are called as the members of token. Outputs: loss, d_logprob, d_value, d_entropy, and metric_0, metric_1, ... in
/// the order in which measure() lists the metrics. The knobs' values are constants of the text.
template <TokenLoss Formula>
source_text token_source(Formula const& formula) {
    auto const now = [](char const* name, int i) { return number<trace, 3>::variable(trace::input(name), i); };
    auto const then = [](char const* name) { return number<trace>::constant(trace::input(name)); };
    auto const one = contribution(formula, token<number<trace, 3>, number<trace>>{
                                               .logprob = now("logprob", 0),
                                               .value = now("value", 1),
                                               .entropy = now("entropy", 2),
                                               .old_logprob = then("old_logprob"),
                                               .ref_logprob = then("ref_logprob"),
                                               .old_value = then("old_value"),
                                               .advantage = then("advantage"),
                                               .return_ = then("return_"),
                                               .weight = then("weight"),
                                               .value_weight = then("value_weight"),
                                           });
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

}  // namespace proximal
