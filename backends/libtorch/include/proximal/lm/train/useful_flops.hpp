// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What an update worked on.
struct update_work {
    double prompt_tokens = 0.0, response_tokens = 0.0;  // without padding, and none after EOS
    double ppo_epochs = 1.0;
};

/// The models that work on it; null where there is none.
struct working_models {
    causal_lm const* policy = nullptr;
    causal_lm const* reference = nullptr;
    sequence_classifier const* critic = nullptr;
    std::vector<sequence_classifier> rewards{};
};

/// Floating-point operations that an update cannot do without: 2 for each weight of a layer and token, and of the head
/// where a log-prob is asked for; backward is two forwards. Attention's own products, which are few at these lengths,
/// are left out. Source: Kaplan et al. (2020), arXiv 2001.08361, section 2.1.
inline double useful_flops(working_models const& models, update_work const& work) {
    auto const body_of = [](auto const& model) {
        double weights = 0.0;
        for (auto const& parameter : model.body->parameters())
            if (parameter.kind == parameter_kind::matrix) weights += static_cast<double>(parameter.tensor.numel());
        return 2.0 * weights;
    };
    double const tokens = work.prompt_tokens + work.response_tokens;
    auto const speaks = [&](causal_lm const& model) {
        return body_of(model) * tokens + 2.0 * static_cast<double>(model.lm_head.numel()) * work.response_tokens;
    };
    double flops = speaks(*models.policy) * (1.0 + 3.0 * work.ppo_epochs);  // generation, then training
    if (models.reference != nullptr) flops += speaks(*models.reference);
    if (models.critic != nullptr) flops += body_of(*models.critic) * tokens * (1.0 + 3.0 * work.ppo_epochs);
    for (auto const& reward : models.rewards) flops += body_of(reward) * tokens;
    return flops;
}

/// Floating-point operations a second of this machine's matrix product, the best of five: [256, 1024] by [1024, 1024],
/// on an NVIDIA GPU, which has hardly begun then, [4096, 4096] by as many. Measured once for each device and dtype, in
/// some 30 ms.
inline double measured_gemm_rate(at::TensorOptions const& options) {
    static std::mutex mutex;
    static std::map<std::string, double> rates;
    std::scoped_lock const lock(mutex);
    auto const device = options.device();
    auto& rate = rates[device.str() + std::string(c10::toString(c10::typeMetaToScalarType(options.dtype())))];
    if (rate > 0.0) return rate;
    at::NoGradGuard const no_gradient;
    std::int64_t const rows = device.is_cuda() ? 4096 : 256, size = device.is_cuda() ? 4096 : 1024;
    auto const a = at::full({rows, size}, 0.5, options), b = at::full({size, size}, 0.5, options);
    for (int i = 0; i < 5; ++i) {
        auto const begun = std::chrono::steady_clock::now();
        [[maybe_unused]] auto const waited_for = at::mm(a, b)[0][0].template item<double>();
        std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - begun;
        rate = std::max(rate, 2.0 * double(rows) * double(size) * double(size) / taken.count());
    }
    return rate;
}

}  // namespace proximal::lm
