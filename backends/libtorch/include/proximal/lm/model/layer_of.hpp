// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cctype>
#include <cstddef>
#include <optional>
#include <string>

namespace proximal::lm {

/// The layer that a parameter belongs to, the first number that stands alone between dots: 3 of
/// "gpt_neox.layers.3.attention.dense.weight". None for what stands beside the layers: embeddings, final norm, head.
inline std::optional<std::size_t> layer_of(std::string const& name) {
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
        std::size_t end = dot + 1;
        while (end < name.size() && std::isdigit(static_cast<unsigned char>(name[end]))) ++end;
        if (end > dot + 1 && end < name.size() && name[end] == '.')
            return std::stoul(name.substr(dot + 1, end - dot - 1));
    }
    return std::nullopt;
}

}  // namespace proximal::lm
