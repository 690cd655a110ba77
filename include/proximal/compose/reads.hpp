// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/unpack.hpp>
#include <concepts>
#include <proximal/compose/refuse_absent.hpp>
#include <proximal/compose/refuse_misshapen.hpp>
#include <proximal/compose/total.hpp>
#include <proximal/sequence.hpp>
#include <type_traits>

namespace proximal {

/// What a loss and its metrics depend on: what only a metric reads is needed too.
template <class... Metrics>
constexpr symbol reads_of(measured<symbol, Metrics...> const& measured) {
    return boost::hana::unpack(measured.metrics,
                               [&](auto const&... metric) { return together(measured.loss, symbol(metric.value)...); });
}

/// What a formula depends on: by its loss, its metrics and what it averages over whole responses; and the masks that
/// these arrays count over.
template <TokenLoss Formula>
constexpr symbol reads_of(Formula const& formula) {
    auto const token = token_of<proximal::token<symbol>>([](auto field) { return symbol(field.id); });
    symbol read = reads_of(contribution(formula, token));
    if constexpr (SequenceLevel<Formula>) read = together(read, symbol(formula.averaged(token)));
    token_fields.for_each([&](auto field) {
        if (read.reads(field.id))
            read = together(read, symbol(over_values(field.counts) ? source::value_mask : source::mask));
    });
    return read;
}

/// The name of the term that reads one of these sources: the innermost, since a composition is known by its parts.
template <class Formula>
std::string_view reader_of(Formula const& formula, symbol const& sources) {
    std::string_view name;
    visit_parts(formula, [&](auto const& term) {
        if constexpr (TokenLoss<std::remove_cvref_t<decltype(term)>>)
            if (name.empty() && (reads_of(term).sources & sources.sources) != 0) name = reader_of(term, sources);
    });
    return name.empty() ? part_name<Formula>() : name;
}

/// Refuses a batch that lacks an array which the loss reads, a token at a time or over whole responses. Once for a
/// batch, so it costs nothing per token. Throws std::invalid_argument with the array's and the term's name.
template <TokenLoss Formula, Array A>
constexpr void refuse_absent(Formula const& formula, experience<A> const& then, prediction<A> const& now) {
    if constexpr (!std::same_as<A, symbol>) {
        symbol const read = reads_of(formula);
        symbol absences;
        auto const look_at = [&](auto const& batch) {
            return [&](auto field) {
                if (!is_weight(field.counts) && read.reads(field.id) && absent(field.of(batch)))
                    absences.sources |= symbol(field.id).sources;
            };
        };
        judged_fields.for_each(look_at(then));
        predicted_fields.for_each(look_at(now));
        if (absences.sources != 0) refuse(reader_of(formula, absences), absences);
    }
}

/// Refuses a batch whose arrays do not go together, as they reach the loss: those that a term reads are told with its
/// name, and the others with the loss's. Throws std::invalid_argument as the same of a part does.
template <TokenLoss Formula, TellsShape A>
void refuse_misshapen(Formula const& formula, experience<A> const& then, prediction<A> const& now) {
    batch_shapes shapes;
    shapes.add(then), shapes.add(now);
    if (!shapes.unlike_its_peers(every_array())) return;
    symbol const read = reads_of(formula);
    auto found = shapes.unlike_its_peers(read);
    bool const is_read = found.has_value();
    if (!is_read) found = shapes.unlike_its_peers(every_array());
    throw std::invalid_argument("proximal: " + std::string(reader_of(formula, found->array)) +
                                (is_read ? " reads the " : " is given the ") + found->text);
}

/// Refuses a batch of whose masks one that the loss counts by is none.
template <TokenLoss Formula, TellsMask A>
void refuse_other_masks(Formula const& formula, experience<A> const& then) {
    if (auto const found = no_mask(then, reads_of(formula)))
        throw std::invalid_argument("proximal: " + std::string(reader_of(formula, found->array)) + " reads the " +
                                    found->text);
}

/// Refuses a batch that a loss cannot read: which lacks an array, or, where the arrays say so, whose arrays do not go
/// together. Once for a batch, so it costs nothing per token.
template <TokenLoss Formula, Array A>
constexpr void refuse_unreadable(Formula const& formula, experience<A> const& then, prediction<A> const& now) {
    refuse_absent(formula, then, now);
    if constexpr (TellsShape<A>) refuse_misshapen(formula, then, now);
    if constexpr (TellsMask<A>) refuse_other_masks(formula, then);
}

/// Whether a loss reads the score of a token's response, by type alone. True as well where a formula is not constexpr,
/// since it cannot be asked before the program runs; reads_of(formula) can.
template <class Formula>
inline constexpr bool reads_score = true;
/// The answer where the formula can be asked.
template <class Formula>
    requires requires { typename std::bool_constant<(reads_of(std::remove_cvref_t<Formula>{}), true)>; }
inline constexpr bool reads_score<Formula> = reads_of(std::remove_cvref_t<Formula>{}).reads(source::score);

}  // namespace proximal
