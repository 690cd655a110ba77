// SPDX-License-Identifier: Apache-2.0
#include <proximal/libtorch/device.hpp>

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using proximal::libtorch::why_no_gpu;

TEST_CASE("device: a driver without a usable GPU is explained, unless the GPUs were hidden on purpose") {
    CHECK_THAT(
        why_no_gpu(12040, 13000, nullptr),
        Catch::StartsWith("the NVIDIA driver is made for CUDA 12.4 and this LibTorch for 13.0: this run is on the "
                          "CPU; update the driver, or install a LibTorch for CUDA 12"));
    CHECK_THAT(why_no_gpu(12040, 13000, "0"), Catch::Contains("update the driver"));
    CHECK_THAT(why_no_gpu(13020, 13000, "7"), Catch::Contains("among CUDA_VISIBLE_DEVICES=7"));
    CHECK_THAT(why_no_gpu(13000, 13020, nullptr), Catch::Contains("nvidia-smi"));  // minor versions go together
    CHECK_THAT(why_no_gpu(0, 0, nullptr), Catch::Contains("nvidia-smi"));
    for (char const* hidden : {"", "-1"}) CHECK(why_no_gpu(12040, 13000, hidden).empty());
}

TEST_CASE("device: the CPU is taken where it is asked for") {
    CHECK(proximal::libtorch::choose_device(/*use_cpu=*/true).is_cpu());
}
