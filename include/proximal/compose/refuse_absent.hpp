// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <proximal/compose/reflect.hpp>
#include <proximal/numeric/symbol.hpp>
#include <proximal/rollout.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal {

/// Who holds a field's array, as a message says it.
constexpr std::string_view holder_name(holder whose) {
    constexpr std::string_view names[] = {"prediction", "rollout", "experience", "token"};
    return names[static_cast<int>(whose)];
}

/// Throws std::invalid_argument: "proximal: gae reads values, which the rollout does not hold", of the first such
/// array.
[[noreturn]] inline void refuse(std::string_view reader, symbol const& read) {
    std::string array, held_by;
    all_fields.for_each([&](auto field) {
        if (!array.empty() || !read.reads(field.id)) return;
        array = field.array, held_by = holder_name(field.held_by);
    });
    throw std::invalid_argument("proximal: " + std::string(reader) + " reads " + array + ", which the " + held_by +
                                " does not hold");
}

/// What a part reads of a rollout or an experience, found by running the part on symbols, of which the same are absent
/// as of the batch. What it hands on as it came it has not read; and where it asks absent(x), it is answered.
template <class Part, template <class> class Batch, class Array>
constexpr symbol arrays_read(Part const& part, Batch<Array> const& batch) {
    Batch<symbol> symbols;
    symbol absences, read;
    fields_of<Batch<Array>>.for_each([&](auto field) {
        bool const lacks = absent(field.of(batch));
        field.of(symbols) = lacks ? symbol::missing(field.id) : symbol(field.id);
        if (lacks) absences.sources |= symbol(field.id).sources;
    });
    auto const result = part(symbols);
    fields_of<std::remove_cvref_t<decltype(result)>>.for_each([&](auto field) {
        symbol const& given = field.of(result);
        bool const handed_on = given.sources == symbol(field.id).sources && !absences.reads(field.id);
        if (!absent(given) && !handed_on) read.sources |= given.sources;
    });
    return read;
}

/// What a part reads although the batch lacks it.
template <class Part, template <class> class Batch, class Array>
constexpr symbol absent_reads(Part const& part, Batch<Array> const& batch) {
    symbol absences, read;
    fields_of<Batch<Array>>.for_each([&](auto field) {
        if (absent(field.of(batch))) absences.sources |= symbol(field.id).sources;
    });
    if (absences.sources != 0) read.sources = arrays_read(part, batch).sources & absences.sources;
    return read;
}

/// A rollout or an experience, of whatever arrays.
template <class Batch>
concept Recorded = requires(Batch const& batch) {
    fields_of<Batch>.size;
    batch.value_mask;
};

/// Refuses a batch that lacks an array which the part reads. Throws std::invalid_argument with both names.
template <class Part, class Batch>
constexpr void refuse_absent(Part const& part, Batch const& batch) {
    using Array = std::remove_cvref_t<decltype(batch.mask)>;
    if constexpr (!std::same_as<Array, symbol>)
        if (symbol const read = absent_reads(part, batch); read.sources != 0) refuse(part_name<Part>(), read);
}

}  // namespace proximal
