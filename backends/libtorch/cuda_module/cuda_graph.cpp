// SPDX-License-Identifier: Apache-2.0
//
// Of libproximal_cuda.so: CUDA graphs. See libtorch/step_graph.hpp.
#include <ATen/ATen.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>
#include <map>
#include <mutex>
#include <proximal/libtorch/step_graph.hpp>

namespace {

/// What the graphs of a GPU share: the stream on which they are recorded, since cuBLAS keeps a workspace for every
/// stream it was used on, and the memory that recorded steps work in. That may be shared because a graph is recorded
/// only when the one before will not be repeated again.
struct recording_place {
    explicit recording_place(c10::DeviceIndex device) : stream(c10::cuda::getStreamFromPool(false, device)) {
        // LibTorch's pools, on the GPU and of pinned memory, take no graph again once no graph holds them: this one
        // holds them, and is never repeated.
        c10::cuda::CUDAStreamGuard const here(stream);
        auto const something = [&] { at::zeros({1}, at::TensorOptions(at::Device(at::kCUDA, device))); };
        something();
        stream.synchronize();
        holds_pool.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
        something();
        holds_pool.capture_end();
    }
    c10::cuda::CUDAStream stream;
    at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
    at::cuda::CUDAGraph holds_pool;
};
recording_place const& place_of(c10::DeviceIndex device) {
    static std::mutex mutex;
    // Never deleted: when a process ends CUDA ends before its statics.
    static auto& places = *new std::map<c10::DeviceIndex, recording_place>;
    std::scoped_lock const lock(mutex);
    return places.try_emplace(device, device).first->second;
}

class cuda_graph final : public proximal::libtorch::step_graph {
   public:
    explicit cuda_graph(at::Device where) : place_(place_of(where.index())) {}

    void record(std::function<void()> const& step) override {
        // Nothing can be recorded on the default stream, and what libraries make on a stream's first use (workspaces)
        // must not be made while recording: the step runs on this stream first.
        auto const stream = place_.stream;
        c10::cuda::getCurrentCUDAStream(stream.device_index()).synchronize();
        c10::cuda::CUDAStreamGuard const here(stream);
        step();
        stream.synchronize();
        graph_.capture_begin(place_.pool, cudaStreamCaptureModeThreadLocal);
        std::exception_ptr failed;
        try {
            step();
        } catch (...) {
            failed = std::current_exception();
        }
        try {
            graph_.capture_end();
        } catch (...) {
            // LibTorch throws before it takes its allocator out of the recording; the step's own error is the cause.
            if (failed) c10::cuda::CUDACachingAllocator::endAllocateToPool(stream.device_index(), place_.pool);
            if (!failed) throw;
        }
        if (failed) std::rethrow_exception(failed);
    }
    void replay() override { graph_.replay(); }

   private:
    recording_place const& place_;
    at::cuda::CUDAGraph graph_;
};

}  // namespace

extern "C" proximal::libtorch::step_graph* proximal_make_cuda_graph(at::Device where) { return new cuda_graph(where); }
