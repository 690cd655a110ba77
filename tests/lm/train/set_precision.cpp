// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/set_precision.hpp>

using namespace proximal;
using namespace proximal::lm;

namespace {

/// LibTorch's switches for TF32 are the process's: they are put back.
struct tf32_as_it_was {
    bool matrices = at::globalContext().allowTF32CuBLAS(), convolutions = at::globalContext().allowTF32CuDNN();
    ~tf32_as_it_was() {
        at::globalContext().setAllowTF32CuBLAS(matrices);
        at::globalContext().setAllowTF32CuDNN(convolutions);
    }
};

}  // namespace

TEST_CASE("set_precision: what this device has not is refused with the reason") {
    auto const refusal = [](auto const& change) {
        run::PPOv2Config config;
        change(config);
        try {
            set_precision(config, at::kCPU);
        } catch (std::invalid_argument const& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    auto const begins = [](std::string const& text, char const* with) { return text.starts_with(with); };
    auto const narrow = refusal([](auto& c) { c.bf16 = true; });
    CHECK(narrow.empty() == has_bfloat16_instructions());
    if (!narrow.empty()) CHECK(begins(narrow, "--bf16 true: this processor has no bfloat16 instructions"));
    CHECK(begins(refusal([](auto& c) { c.fp16 = true; }), "--fp16 true is for an NVIDIA GPU"));
    CHECK(begins(refusal([](auto& c) { c.tf32 = true; }), "--tf32 is a mode of NVIDIA GPUs"));
    CHECK(begins(refusal([](auto& c) { c.torch_empty_cache_steps = 2; }), "--torch_empty_cache_steps is for a GPU"));
    CHECK(refusal([](auto&) {}).empty());
}

TEST_CASE("set_precision: mixed precision is of float32 models; on a GPU nothing else is asked") {
    run::PPOv2Config config;
    CHECK_FALSE(compute_dtype(config).has_value());
    config.bf16 = true;
    CHECK(compute_dtype(config) == at::kBFloat16);
    auto const on_gpu = at::TensorOptions(at::Device(at::kCUDA));
    tf32_as_it_was const guard;
    CHECK_NOTHROW(set_precision(config, on_gpu.dtype(at::kFloat)));
    CHECK_THROWS_WITH(set_precision(config, on_gpu.dtype(at::kDouble)),
                      Catch::StartsWith("--bf16 true is for models of float32, and these are of Double"));
    config.bf16 = false;
    config.fp16 = true;
    CHECK(compute_dtype(config) == at::kHalf);
    CHECK_NOTHROW(set_precision(config, on_gpu.dtype(at::kFloat)));
    CHECK_THROWS_WITH(set_precision(config, on_gpu.dtype(at::kDouble)),
                      Catch::StartsWith("--fp16 true is for models of float32, and these are of Double"));
}

TEST_CASE("set_precision: on a GPU TF32 is allowed beside 16 bits, unless --tf32 says otherwise") {
    auto const on_gpu = at::TensorOptions(at::Device(at::kCUDA)).dtype(at::kFloat);
    tf32_as_it_was const guard;
    auto const allowed = [&](bool before, auto const& change) {
        at::globalContext().setAllowTF32CuBLAS(before);
        run::PPOv2Config config;
        change(config);
        set_precision(config, on_gpu);
        return at::globalContext().allowTF32CuBLAS();
    };
    CHECK(allowed(false, [](auto& c) { c.bf16 = true; }));
    CHECK(allowed(false, [](auto& c) { c.fp16 = true; }));
    CHECK(allowed(false, [](auto& c) { c.tf32 = true; }));
    CHECK_FALSE(allowed(true, [](auto& c) { c.bf16 = true, c.tf32 = false; }));
    for (bool const before : {false, true}) CHECK(allowed(before, [](auto&) {}) == before);
}

TEST_CASE("set_precision: --full_determinism asks LibTorch for algorithms that repeat") {
    run::PPOv2Config config;
    config.full_determinism = true;
    set_precision(config, at::kCPU);
    bool const was = at::globalContext().deterministicAlgorithms();
    at::globalContext().setDeterministicAlgorithms(false, false);
    CHECK(was);
}
