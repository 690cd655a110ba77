// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <proximal/run/metrics.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::lm {

/// All numbers of some tensors, of any dtype and device, in doubles on the host, in their order. Waits for the device
/// once, and not where all are on the host.
inline std::vector<double> read_numbers(std::vector<at::Tensor> const& tensors) {
    std::vector<at::Tensor> away;
    for (auto const& x : tensors)
        if (!x.is_cpu()) {
            at::Tensor const there = x.detach().to(at::kDouble).reshape({-1});
            away.push_back(away.empty() ? there : there.to(away.front().device()));
        }
    at::Tensor const read = away.empty() ? at::empty({0}, at::kDouble) : at::cat(away).cpu();
    auto const* next = read.const_data_ptr<double>();
    std::vector<double> numbers;
    for (auto const& x : tensors) {
        if (x.is_cpu() && x.numel() == 1) {
            numbers.push_back(x.item<double>());
            continue;
        }
        at::Tensor const here = x.is_cpu() ? x.detach().to(at::kDouble).contiguous() : at::Tensor();
        auto const* const from = here.defined() ? here.const_data_ptr<double>() : std::exchange(next, next + x.numel());
        numbers.insert(numbers.end(), from, from + x.numel());
    }
    return numbers;
}

/// Numbers under their names, some of them still on a device: all are read at once.
class unread_metrics {
   public:
    /// A number, [], wherever it is; or one that is known.
    void set(std::string_view name, at::Tensor number) { numbers_.emplace_back(name, std::move(number)); }
    void set(std::string_view name, double number) { set(name, at::scalar_tensor(number, at::kDouble)); }

    /// All of them in the order they were set. Waits for the device once.
    run::metrics read() const {
        std::vector<at::Tensor> tensors;
        for (auto const& [name, number] : numbers_) tensors.push_back(number);
        auto const values = read_numbers(tensors);
        run::metrics known;
        for (std::size_t i = 0; i < values.size(); ++i) known.set(numbers_[i].first, values[i]);
        return known;
    }

   private:
    std::vector<std::pair<std::string, at::Tensor>> numbers_;
};

}  // namespace proximal::lm
