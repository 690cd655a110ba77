// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <proximal/array.hpp>
#include <proximal/compose/refuse_absent.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace proximal {

/// "[2, 3]"; "[2]" of a number a row; "[]" of a scalar.
inline std::string shape_text(array_shape const& shape) {
    if (shape.is_scalar()) return "[]";
    return "[" + std::to_string(shape.rows) + (shape.steps == 1 ? "" : ", " + std::to_string(shape.steps)) + "]";
}

/// Every array there is.
inline symbol every_array() {
    symbol every;
    all_fields.for_each([&](auto field) { every.sources |= symbol(field.id).sources; });
    return every;
}

/// An array that cannot be read, and why: what follows "gae reads the".
struct complaint {
    symbol array;
    std::string text;
};

/// The shapes of a batch's arrays, field by field, and which of them is unlike its peers.
struct batch_shapes {
    std::array<array_shape, all_fields.size> of{};  // {0, 0} where there is no array

    /// Of the arrays that a rollout, an experience or a prediction holds.
    template <class Batch>
    void add(Batch const& batch) {
        fields_of<Batch>.for_each([&](auto field) {
            if (!absent(field.of(batch))) of[field.index] = shape_of(field.of(batch));
        });
    }

    /// The shape [B, T] that most of these arrays have, one of mask's where as many have another; {0, 0} where none is
    /// [B, T]. A scalar meets any shape and has no say.
    array_shape common_grid(symbol const& among) const {
        array_shape grid;
        int most = 0;
        all_fields.for_each([&](auto field) {
            if (!has_say(field, among) || field.counts == extent::row) return;
            int alike = 0;
            all_fields.for_each([&](auto other) {
                alike += other.counts != extent::row && has_say(other, among) && of[other.index] == of[field.index];
            });
            bool const rules = field.counts == extent::everywhere && alike == most && of[field.index] != grid;
            if (alike > most || rules) most = alike, grid = of[field.index];
        });
        return grid;
    }

    /// Which of these arrays is unlike the others: "rollout's logprobs of shape [2, 4]: [2, 3] is expected, as of
    /// mask". Nothing where they go together.
    std::optional<complaint> unlike_its_peers(symbol const& among) const {
        array_shape const grid = common_grid(among);
        array_shape row{grid.rows > 0 ? grid.rows : common_grid(every_array()).rows, 1};
        std::string_view model;
        std::optional<complaint> found;
        all_fields.for_each([&](auto field) {  // mask is the best known of those that are right
            if (!has_say(field, among) || field.counts == extent::row || of[field.index] != grid) return;
            if (model.empty() || field.id == source::mask) model = field.array;
        });
        all_fields.for_each([&](auto field) {
            if (found || !has_say(field, among)) return;
            bool const is_row = field.counts == extent::row;
            if (is_row && row.rows == 0) row.rows = of[field.index].rows;
            if (of[field.index] == (is_row ? row : grid)) return;
            found = complaint{field.id, std::string(holder_name(field.held_by)) + "'s " + std::string(field.array) +
                                            " of shape " + shape_text(of[field.index]) + ": " +
                                            shape_text(is_row ? row : grid) + " is expected, " +
                                            (is_row ? "a number a row" : "as of " + std::string(model))};
        });
        return found;
    }

   private:
    bool has_say(auto field, symbol const& among) const {
        return among.reads(field.id) && of[field.index].rows > 0 && !of[field.index].is_scalar();
    }
};

/// Refuses a batch in which arrays that the part reads do not go together: [B] where [B, T] is needed, other rows or
/// steps than the rest. Throws std::invalid_argument with the part's name, the array's, its shape and what is expected:
/// "proximal: kl_penalty reads the rollout's logprobs of shape [2, 4]: [2, 3] is expected, as of mask".
template <class Part, class Batch>
void refuse_misshapen(Part const& part, Batch const& batch) {
    batch_shapes shapes;
    shapes.add(batch);
    auto found = shapes.unlike_its_peers(every_array());
    if (!found) return;
    // One that goes with the few that the part reads, and not with the rest of the batch, is as wrong.
    symbol const read = arrays_read(part, batch);
    if ((read.sources & found->array.sources) == 0) found = shapes.unlike_its_peers(read);
    if (found) throw std::invalid_argument("proximal: " + std::string(part_name<Part>()) + " reads the " + found->text);
}

/// A mask, or has_eos, among these arrays that holds another number than 0 and 1, as the bytes of an image's mask do:
/// "rollout's mask, which holds 255 and may hold 0 and 1 alone". Nothing where all are masks.
template <class Batch>
std::optional<complaint> no_mask(Batch const& batch, symbol const& among) {
    std::optional<complaint> found;
    fields_of<Batch>.for_each([&](auto field) {
        if constexpr (field.counts == extent::everywhere || field.id == source::has_eos) {
            if (found || !among.reads(field.id) || absent(field.of(batch))) return;
            if (auto const other = neither_0_nor_1(field.of(batch)))
                found = complaint{field.id, "rollout's " + std::string(field.array) + ", which holds " +
                                                number_text(*other) + " and may hold 0 and 1 alone"};
        }
    });
    return found;
}

/// Refuses a batch of whose masks one that the part reads is none.
template <class Part, class Batch>
void refuse_other_masks(Part const& part, Batch const& batch) {
    if (!no_mask(batch, every_array())) return;
    if (auto const found = no_mask(batch, arrays_read(part, batch)))
        throw std::invalid_argument("proximal: " + std::string(part_name<Part>()) + " reads the " + found->text);
}

}  // namespace proximal
