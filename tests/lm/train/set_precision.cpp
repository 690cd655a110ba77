// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/set_precision.hpp>

using namespace proximal;
using namespace proximal::lm;

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

TEST_CASE("set_precision: --full_determinism asks LibTorch for algorithms that repeat") {
    run::PPOv2Config config;
    config.full_determinism = true;
    set_precision(config, at::kCPU);
    bool const was = at::globalContext().deterministicAlgorithms();
    at::globalContext().setDeterministicAlgorithms(false, false);
    CHECK(was);
}
