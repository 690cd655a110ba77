// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <proximal/compose/token_source.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/cuda/sequence_mean.hpp>
#include <proximal/libtorch/cuda/token_loss.hpp>
#include <proximal/sequence.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::libtorch {

/// A batch's arrays by field, of those that a token grid reads.
using token_tensors = std::array<at::Tensor, all_fields.size>;

/// The addresses of a kernel's arguments, in order. What they are the addresses of lives as long as this does.
class kernel_arguments {
   public:
    explicit kernel_arguments(std::size_t most) { pointers_.reserve(most); }
    void add(at::Tensor const& x) { pointers_.push_back(x.data_ptr()); }
    void** with(auto&... first) {
        addresses_ = {static_cast<void*>(&first)...};
        for (auto& pointer : pointers_) addresses_.push_back(static_cast<void*>(&pointer));
        return addresses_.data();
    }

   private:
    std::vector<void*> pointers_{};
    std::vector<void*> addresses_{};
};

/// The tensor that a kernel's text calls `name`.
inline at::Tensor& tensor_named(token_tensors& tensors, std::string_view name) {
    at::Tensor* found = nullptr;
    token_fields.for_each([&](auto field) {
        if (field.name == name) found = &tensors[field.index];
    });
    return *found;
}

/// fuse() as one kernel on a GPU (two for a term over whole responses): the sums of loss and metrics, double [K], and
/// the gradients asked for, all left on the GPU. Nothing waits. Tensors are contiguous, of one shape and dtype.
template <class Formula>
at::Tensor fuse_on_gpu(cuda::launcher const& launch, Formula const& formula, token_tensors tensors,
                       std::array<at::Tensor, predictions> const& gradients, std::size_t sums) {
    auto const& mask = tensors[static_cast<std::size_t>(source::mask)];
    auto const& value_mask = tensors[static_cast<std::size_t>(source::value_mask)];
    std::string const scalar = cuda::scalar_name(mask.scalar_type());
    auto const add_inputs = [&](kernel_arguments& arguments, source_text const& text) {
        arguments.add(mask), arguments.add(value_mask);
        for (auto const& name : text.inputs) arguments.add(tensor_named(tensors, name));
    };
    if constexpr (SequenceLevel<Formula>) {
        auto& means = tensors[static_cast<std::size_t>(source::sequence_mean)] = at::empty_like(mask);
        source_text const text = averaged_source(formula);
        kernel_arguments arguments(text.inputs.size() + 3);
        add_inputs(arguments, text);
        arguments.add(means);
        auto steps = static_cast<int>(mask.size(-1));
        launch.run(cuda::sequence_mean_kernel(formula, scalar), "sequence_mean", mask.device(),
                   steps > 0 ? mask.numel() / steps : 0, 32, arguments.with(steps));
    }
    source_text const text = token_source(formula);
    kernel_arguments arguments(text.inputs.size() + text.outputs.size() + 3);
    add_inputs(arguments, text);
    std::vector<at::Tensor> unread;  // gradients that nobody asked for
    std::vector<std::int64_t> kept;  // where each sum that the text computes belongs
    std::array<bool, predictions> written{};
    for (auto const& name : text.outputs) {
        if (name == "loss") kept.push_back(0);
        else if (name.starts_with("metric_")) kept.push_back(1 + std::stoll(name.substr(7)));
        predicted_fields.for_each([&](auto field) {
            if (name != "d_" + std::string(field.name)) return;
            written[field.index] = true;
            if (!gradients[field.index].defined()) unread.push_back(at::empty_like(mask));
            arguments.add(gradients[field.index].defined() ? gradients[field.index] : unread.back());
        });
    }
    for (std::size_t p = 0; p < predictions; ++p)
        if (gradients[p].defined() && !written[p]) gradients[p].zero_();
    static constexpr std::int64_t threads = 256, most_blocks = 1024;
    long long tokens = mask.numel();
    std::int64_t const blocks = std::clamp<std::int64_t>((tokens + threads - 1) / threads, 1, most_blocks);
    auto const K = static_cast<std::int64_t>(kept.size());
    at::Tensor const of_blocks = at::empty({blocks, K}, mask.options().dtype(at::kDouble));
    arguments.add(of_blocks);
    launch.run(cuda::token_loss_kernel(text, scalar), "token_loss", mask.device(), blocks, threads,
               arguments.with(tokens));
    at::Tensor const computed = of_blocks.sum(0);
    if (K == static_cast<std::int64_t>(sums)) return computed;
    at::Tensor const all = at::zeros({static_cast<std::int64_t>(sums)}, computed.options());
    for (std::int64_t k = 0; k < K; ++k) all.select(0, kept[k]).copy_(computed.select(0, k));
    return all;
}

}  // namespace proximal::libtorch
