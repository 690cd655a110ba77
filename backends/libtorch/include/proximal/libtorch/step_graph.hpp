// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <map>
#include <memory>
#include <proximal/libtorch/cuda/module_function.hpp>

namespace proximal::libtorch {

/// A device's operations, recorded once and then repeated without the host's going through them again: a CUDA graph.
///
/// What is recorded are addresses and numbers: a repetition reads what lies at those addresses then, and ends in the
/// tensors that the recording ended in. So a step to be repeated works on tensors that stay where they are, has shapes
/// that do not change, reads nothing to the host and copies nothing from it; a read or such a copy throws while it is
/// recorded. What a recorded step makes stays allocated as long as the graph lives; of one device, only the graph
/// recorded last may be repeated. record() goes through the step's host code twice and replay() not at all: what the
/// host counts in a step is counted so. What a step reads must live as long: the casts that mixed precision keeps of
/// weights (see mixed_precision_backbone) go with the next forward without a cache.
class step_graph {
   public:
    step_graph() = default;
    step_graph(step_graph const&) = delete;
    step_graph& operator=(step_graph const&) = delete;
    virtual ~step_graph() = default;

    /// Runs the step, so that all that it needs once is there, and records it: it runs once in effect.
    virtual void record(std::function<void()> const& step) = 0;
    /// Runs what was recorded.
    virtual void replay() = 0;
};

/// Who makes graphs for a kind of device.
using make_step_graph = step_graph*(at::Device where);

/// The name under which libproximal_cuda.so offers one of CUDA.
inline constexpr char const* cuda_graph_symbol = "proximal_make_cuda_graph";

/// Who makes them for a device that is no NVIDIA GPU: set by who has such a device, before it is used.
inline std::map<at::DeviceType, make_step_graph*>& other_step_graphs() {
    static std::map<at::DeviceType, make_step_graph*> makers;
    return makers;
}

/// A graph of nothing yet; null where the kind of device has none.
/// Throws std::runtime_error where there is an NVIDIA GPU, but not the module that records on it.
inline std::unique_ptr<step_graph> new_step_graph(at::Device where) {
    if (where.is_cuda()) {
        static auto* const make =
            cuda::module_function<make_step_graph>(cuda_graph_symbol, "--cuda_graphs", "leave it out");
        return std::unique_ptr<step_graph>(make(where));
    }
    auto const found = other_step_graphs().find(where.type());
    return std::unique_ptr<step_graph>(found == other_step_graphs().end() ? nullptr : found->second(where));
}

}  // namespace proximal::libtorch
