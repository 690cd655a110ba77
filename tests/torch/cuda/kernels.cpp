// SPDX-License-Identifier: Apache-2.0
#include <proximal/proximal.hpp>
#include <proximal/torch/cuda/reverse_scan.hpp>
#include <proximal/torch/cuda/row_kernels.hpp>
#include <proximal/torch/cuda/token_loss.hpp>
#include <proximal/torch/nvrtc.hpp>

#include <catch2/catch.hpp>

using namespace proximal;
using namespace proximal::libtorch;

namespace {
auto const gae_step = [](auto const& reward, auto const& value, auto const& next_value) {
    return affine{reward + 0.99 * next_value - value, 0.99 * 0.95};
};
}  // namespace

TEST_CASE("cuda kernels: the run-time compiler takes every generated text, for sm_80, sm_90 and sm_100") {
    auto const compiler = nvrtc::find();
    if (!compiler) {
        WARN("SKIPPED: no libnvrtc on this machine, so no CUDA kernel was compiled");
        return;
    }
    auto const loss = total(clipped_surrogate{}, weighted(0.5, clipped_value{}));
    for (int architecture : {80, 90, 100})
        for (std::string const scalar : {"float", "double"}) {
            auto const holds = [&](std::string const& source, char const* entry) {
                auto const cubin = compiler->compile(source, architecture);
                return cubin.starts_with("\177ELF") && cubin.find(entry) != std::string::npos;
            };
            CHECK(holds(cuda::token_loss_kernel(loss, scalar), "token_loss"));
            CHECK(holds(cuda::reverse_scan_kernel<3>(gae_step, scalar), "reverse_scan"));
            CHECK(holds(cuda::row_kernels(scalar), "row_gradient"));
        }
    CHECK_THROWS_WITH(compiler->compile("this is no kernel", 90), Catch::Contains("refused a generated kernel"));
}

TEST_CASE("cuda kernels: a kernel reads and writes only what its formula does") {
    auto const text = cuda::token_loss_kernel(total(clipped_surrogate{}), "float");
    CHECK(text.find("advantage_at") != std::string::npos);
    CHECK(text.find("d_logprob_at") != std::string::npos);
    CHECK(text.find("old_value") == std::string::npos);
    CHECK(text.find("d_value") == std::string::npos);
    CHECK(text.find("d_entropy") == std::string::npos);
}
