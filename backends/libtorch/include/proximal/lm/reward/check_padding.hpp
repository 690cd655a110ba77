// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/train/episodes.hpp>
#include <stdexcept>
#include <vector>

namespace proximal::lm {

/// Refuses a reward model that does not give a row the same reward alone and beside longer rows, padded on the left:
/// std::runtime_error with both numbers. `rows` are two or more, of different lengths.
///
/// Source: the check of the N+ paper's code (arXiv 2403.17031), with its tolerance of 1e-2.
inline void check_padding(sequence_classifier const& model, std::vector<std::vector<std::int64_t>> const& rows,
                          std::int64_t pad, double tolerance = 1e-2) {
    at::NoGradGuard const no_gradient;
    auto const device = model.score.device();
    auto const grid = left_padded(rows, pad);
    auto const packed = pack_tokens(grid.ids.to(device), grid.real.to(device));
    auto const hidden = model.values(model.body->forward(packed));
    std::int64_t end = 0;
    for (auto const& row : rows) {
        end += std::ssize(row);
        double const beside = hidden[end - 1].item<double>();
        auto const alone = model.values(model.body->forward(pack_tokens({row}, device)));
        double const single = alone[std::ssize(row) - 1].item<double>();
        if (!(std::abs(beside - single) <= tolerance * std::max(1.0, std::abs(single))))
            throw std::runtime_error(fmt::format(
                "the reward model gives a text of {} tokens {} alone and {} when it is padded beside others: its "
                "rewards would depend on the batch; check its attention mask and positions",
                row.size(), single, beside));
    }
}

/// Shows that padding does not change a reward: see check_padding. Of the first rows whose lengths differ.
inline void check_padding(sequence_classifier const& model, std::vector<std::vector<std::int64_t>> const& prompts,
                          std::optional<std::int64_t> pad) {
    for (auto const& other : prompts)
        if (other.size() != prompts.front().size())
            return check_padding(model, {prompts.front(), other}, pad.value_or(0));
}

}  // namespace proximal::lm
