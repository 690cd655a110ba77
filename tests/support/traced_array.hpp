// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <proximal/array.hpp>
#include <proximal/numeric/elementwise.hpp>
#include <proximal/numeric/source_text.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace support {

/// An array of recorded numbers, [B, T]: run through a whole part it writes the part down, sums and scans unrolled.
struct traced_array : proximal::elementwise<traced_array> {
    using cell = proximal::number<proximal::trace>;
    int rows = 0, steps = 0;  // a scalar is 1 × 1, and meets any shape
    std::vector<cell> cells;

    traced_array() = default;
    traced_array(double x) : rows(1), steps(1), cells{cell(x)} {}
    traced_array(int rows, int steps) : rows(rows), steps(steps), cells(rows * steps, cell(0.0)) {}
    cell& operator()(int b, int t) { return cells[b * steps + t]; }
    cell const& operator()(int b, int t) const { return cells.size() == 1 ? cells[0] : cells[b * steps + t]; }

    friend bool absent(traced_array const& x) { return x.cells.empty(); }

    template <std::same_as<traced_array>... Arrays>
    friend traced_array common_shape(traced_array const& first, Arrays const&... rest) {
        traced_array const* widest = &first;
        ((widest = rest.cells.size() > widest->cells.size() ? &rest : widest), ...);
        if (absent(first) || (absent(rest) || ...)) throw std::invalid_argument("an absent array was read");
        return traced_array(widest->rows, widest->steps);
    }
    template <class Formula, std::same_as<traced_array>... Arrays>
    friend traced_array map(Formula const& formula, traced_array const& first, Arrays const&... rest) {
        auto result = common_shape(first, rest...);
        for (int b = 0; b < result.rows; ++b)
            for (int t = 0; t < result.steps; ++t) result(b, t) = formula(first(b, t), rest(b, t)...);
        return result;
    }
    friend traced_array row_sum(traced_array const& x) {
        traced_array result(x.rows, 1);
        for (int b = 0; b < x.rows; ++b)
            for (int t = 0; t < x.steps; ++t) result(b, 0) = result(b, 0) + x(b, t);
        return result;
    }
    friend traced_array sum(traced_array const& x) {
        traced_array result(0.0);
        for (auto const& row : row_sum(x).cells) result.cells[0] = result.cells[0] + row;
        return result;
    }
    friend traced_array spread(traced_array const& row, traced_array const& like) {
        traced_array result(like.rows, like.steps);
        for (int b = 0; b < like.rows; ++b)
            for (int t = 0; t < like.steps; ++t) result(b, t) = row(b, 0);
        return result;
    }
    friend traced_array next_step(traced_array const& x) {
        traced_array result(x.rows, x.steps);
        for (int b = 0; b < x.rows; ++b)
            for (int t = 0; t + 1 < x.steps; ++t) result(b, t) = x(b, t + 1);
        return result;
    }
    friend traced_array group_mean(traced_array const& row, int size) {
        traced_array result(row.rows, 1);
        for (int b = 0; b < row.rows; ++b) {
            cell total = 0.0;
            for (int i = b / size * size; i < b / size * size + size; ++i) total = total + row(i, 0);
            result(b, 0) = total / static_cast<double>(size);
        }
        return result;
    }
    friend traced_array max_of_others(traced_array const& row, int size) {
        traced_array result(row.rows, 1);
        for (int b = 0; b < row.rows; ++b) {
            bool any = false;
            for (int i = b / size * size; i < b / size * size + size; ++i) {
                if (i == b) continue;
                result(b, 0) = any ? max(result(b, 0), row(i, 0)) : row(i, 0);
                any = true;
            }
        }
        return result;
    }
    friend double item(traced_array const&) { throw std::logic_error("a recorded number has no value yet"); }
    template <class Formula, std::same_as<traced_array>... Arrays>
    friend traced_array reverse_scan(Formula const& formula, traced_array const& first, Arrays const&... rest) {
        auto result = common_shape(first, rest...);
        for (int b = 0; b < result.rows; ++b) {
            cell later = 0.0;
            for (int t = result.steps - 1; t >= 0; --t) {
                auto const step = formula(first(b, t), rest(b, t)...);
                result(b, t) = later = step.delta + step.decay * later;
            }
        }
        return result;
    }
};
static_assert(proximal::Array<traced_array>);

/// An array of a text's inputs, in[at], in[at + 1], ...
inline traced_array traced_inputs(int rows, int steps, int& at) {
    traced_array x(rows, steps);
    for (auto& cell : x.cells)
        cell = traced_array::cell::constant(proximal::trace::input("in[" + std::to_string(at++) + "]"));
    return x;
}

/// The C function that writes the cells of `results`, one array after another, to out[0], out[1], ...
inline std::string as_function(std::string const& name, std::vector<traced_array> const& results) {
    std::vector<std::pair<std::string, proximal::trace>> outputs;
    int at = 0;
    for (auto const& x : results)
        for (auto const& cell : x.cells) outputs.emplace_back("out[" + std::to_string(at++) + "]", cell.value);
    return "extern \"C\" void " + name + "([[maybe_unused]] double const* in, [[maybe_unused]] double* out) {\n" +
           proximal::source_text(outputs).body + "}\n";
}

}  // namespace support
