// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstddef>
#include <proximal/lm/model/stored_weights.hpp>
#include <proximal/run/state_archive.hpp>
#include <string>
#include <string_view>

namespace proximal::lm {

/// Writes a tensor's numbers into an archive, or reads them back into it, in place: any device, shape and dtype stay.
inline void visit_tensor(run::state_archive& archive, std::string_view name, at::Tensor const& x) {
    at::NoGradGuard const no_gradient;
    at::Tensor const host = archive.is_reading()
                                ? at::empty(x.sizes(), x.options().device(at::kCPU).requires_grad(false))
                                : x.detach().cpu().contiguous();
    run::state_array array{
        .dtype = std::string(to_stored(host).dtype),
        .shape = x.sizes().vec(),
        .bytes = {static_cast<std::byte*>(host.data_ptr()), host.nbytes()},
    };
    archive(name, array);
    if (archive.is_reading()) x.detach().copy_(host);
}

}  // namespace proximal::lm
