// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/reflect.hpp>

namespace proximal {

/// A Markdown table of an algorithm's knobs, in data-flow order: what a reader of its flags wants to know.
///
///     | flag | default | accepts | meaning | part |
///
/// The default is the value that the algorithm holds. A part of your own is in it as soon as it reflects its knobs.
template <class Part>
std::string knob_table(Part const& part) {
    std::string table = "| flag | default | accepts | meaning | part |\n|---|---|---|---|---|\n";
    auto const cell = [&](std::string_view text) {
        table += ' ';
        for (char const c : text) {
            if (c == '|') table += '\\';  // else it would end the cell
            table += c;
        }
        table += " |";
    };
    visit_knobs(part, [&](std::string_view name, auto const& knob, auto const& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        table += '|';
        cell("`--" + std::string(knob.name) + "`");
        if constexpr (std::is_same_v<Value, bool>) cell(value ? "true" : "false"), cell("true or false");
        else if constexpr (std::is_arithmetic_v<Value>)
            cell(number_text(static_cast<double>(value))), cell(describe(knob.accepts));
        else cell(std::string(value)), cell("text");
        cell(knob.meaning);
        cell("`" + std::string(name) + "`");
        table += '\n';
    });
    return table;
}

}  // namespace proximal
