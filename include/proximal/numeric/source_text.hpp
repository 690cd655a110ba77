// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <proximal/numeric/trace.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal {

/// A recorded formula as straight-line C: what g++, nvcc and NVRTC compile to the same numbers.
///
/// The scalar's type is called T. Equal subexpressions are computed once, and nothing that no output needs. The text
/// reads each of `inputs` and assigns each of `outputs`; the place that includes it declares both.
/// To keep it equal to number<T, N> a compiler must not contract a · b + c into one rounding (nvcc: --fmad=false).
struct source_text {
    std::vector<std::string> inputs{};
    std::vector<std::string> outputs{};  // without those that are identically zero
    std::string body{};

    explicit source_text(std::vector<std::pair<std::string, trace>> const& results) {
        for (auto const& [name, result] : results) {
            if (result.is_nothing()) continue;
            outputs.push_back(name);
            assignments_ += "    " + name + " = " + write(result.root()) + ";\n";
        }
        body += assignments_;
        assignments_.clear();
        names_.clear();
        computed_.clear();
    }

   private:
    /// The variable, input or constant that holds a node's value, after writing what it takes to compute it.
    std::string write(recorded const& node) {
        if (auto const known = names_.find(node.get()); known != names_.end()) return known->second;
        std::string expression;
        std::size_t operand = 0;
        for (char const c : node->text) {
            if (c == '@') expression += write(node->operands[operand++]);
            else expression += c;
        }
        std::string name = expression;
        if (!node->operands.empty()) name = variable(expression, is_condition(node->text) ? "bool" : "T");
        else if (!expression.starts_with("T(")) read(expression);
        return names_[node.get()] = name;
    }
    std::string variable(std::string const& expression, char const* type) {
        auto const [known, is_new] = computed_.try_emplace(expression, "v" + std::to_string(computed_.size()));
        if (is_new)
            body.append("    const ")
                .append(type)
                .append(" ")
                .append(known->second)
                .append(" = ")
                .append(expression)
                .append(";\n");
        return known->second;
    }
    void read(std::string const& input) {
        for (auto const& known : inputs)
            if (known == input) return;
        inputs.push_back(input);
    }
    static bool is_condition(std::string_view text) {
        for (std::string_view const relation :
             {"@ < @", "@ > @", "@ <= @", "@ >= @", "@ == @", "@ != @", "@ || @", "@ && @"})
            if (text == relation) return true;
        return false;
    }

    std::map<trace_node const*, std::string> names_{};  // what holds each node
    std::map<std::string, std::string> computed_{};     // what holds each expression
    std::string assignments_{};
};

}  // namespace proximal
