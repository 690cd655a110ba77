// SPDX-License-Identifier: Apache-2.0
//
// Of libproximal_cuda.so: CUDA graphs. See libtorch/step_graph.hpp.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <proximal/libtorch/step_graph.hpp>

namespace {

class cuda_graph final : public proximal::libtorch::step_graph {
   public:
    explicit cuda_graph(at::Device where) : stream_(c10::cuda::getStreamFromPool(false, where.index())) {}

    void record(std::function<void()> const& step) override {
        // Nothing can be recorded on the default stream, and what libraries make on a stream's first use (workspaces)
        // must not be made while recording: the step runs on this graph's stream first.
        auto const outside = c10::cuda::getCurrentCUDAStream(stream_.device_index());
        stream_.synchronize();
        outside.synchronize();
        {
            c10::cuda::CUDAStreamGuard const here(stream_);
            step();
            stream_.synchronize();
            graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
            try {
                step();
            } catch (...) {
                graph_.capture_end();
                graph_.reset();
                throw;
            }
            graph_.capture_end();
        }
    }
    void replay() override { graph_.replay(); }

   private:
    c10::cuda::CUDAStream stream_;
    at::cuda::CUDAGraph graph_;
};

}  // namespace

extern "C" proximal::libtorch::step_graph* proximal_make_cuda_graph(at::Device where) { return new cuda_graph(where); }
