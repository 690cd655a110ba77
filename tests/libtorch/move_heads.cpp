// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <cstdint>
#include <limits>
#include <proximal/libtorch/device.hpp>
#include <proximal/libtorch/move_heads.hpp>

#include "../support/emulated_launcher.hpp"
#include "../support/pretend_device.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal::libtorch;

namespace {

/// Heads go from packed tokens to a grid and back: turned as the formula says, rounded once; nothing else is written.
void check_on(at::Device device) {
    double const infinite = std::numeric_limits<double>::infinity();
    std::int64_t const N = 4, heads = 3, D = 10, half = 2, B = 2, columns = 3;
    auto const rows = at::tensor({0, 0, 1, 1}, at::kLong), positions = at::tensor({0, 1, 0, 2}, at::kLong);
    for (auto const type : {at::kDouble, at::kFloat, at::kBFloat16}) {
        INFO(at::toString(type));
        auto const wide = type == at::kBFloat16 ? at::kFloat : type;
        auto const angle = at::arange(columns * half, at::kDouble).view({columns, half}) * 0.7;
        auto const cos = angle.cos().to(wide), sin = angle.sin().to(wide);
        auto x = at::randn({N, heads, D}, at::kDouble);
        x[1][1][9] = infinite, x[2][0][8] = std::numeric_limits<double>::quiet_NaN(), x[3][2][5] = 1.00390625;
        x = x.to(type);
        auto const a = x.narrow(2, 0, half).to(wide), b = x.narrow(2, half, half).to(wide),
                   c = cos.index_select(0, positions).unsqueeze(1), s = sin.index_select(0, positions).unsqueeze(1);
        auto const turned =
            at::cat({(a * c - b * s).to(type), (b * c + a * s).to(type), x.narrow(2, 2 * half, D - 2 * half)}, 2);
        token_angles const at{cos.to(device), sin.to(device), rows.to(device), positions.to(device)};
        auto const from = x.to(device), grid = at::full({B, columns, heads, D}, 7.0, from.options());
        auto const* const launch = head_mover(from, at.cos);
        REQUIRE(launch != nullptr);
        move_heads(*launch, from, grid, at, half, 1);
        auto const expected = at::full({B, columns, heads, D}, 7.0, x.options()).index_put({rows, positions}, turned);
        // A GPU multiplies and adds in one rounding.
        double const near = type == at::kDouble ? 1e-14 : type == at::kFloat ? 1e-6 : 1e-2;
        CHECK(at::allclose(grid.cpu(), expected, near, near, /*equal_nan=*/true));
        if (device.is_privateuseone()) CHECK(at::allclose(grid.cpu(), expected, 0.0, 0.0, true));

        auto const back = at::zeros_like(from);  // a rotation and its transpose give what was
        move_heads(*launch, grid, back, at, half, -1);
        CHECK(at::allclose(back.cpu(), x, 4 * near, 4 * near, true));

        // As they are, from heads that are a part of a wider tensor.
        auto const part = from.narrow(1, 1, 2);
        auto const plain = at::zeros({N, 2, D}, from.options());
        move_heads(*launch, part, plain, at, 0, 1);
        CHECK(at::allclose(plain.cpu(), x.narrow(1, 1, 2), 0.0, 0.0, true));
    }
    auto const half_numbers = at::zeros({1, 1, 2}, at::TensorOptions(device).dtype(at::kHalf));
    CHECK(head_mover(half_numbers, half_numbers) == nullptr);
    CHECK(head_mover(half_numbers, half_numbers.to(at::kFloat)) == nullptr);
}

}  // namespace

TEST_CASE("move_heads: heads turn and lie as asked, in each dtype, rounded as LibTorch rounds") {
    CHECK(head_mover(at::zeros({1, 1, 2}), at::zeros({1, 1})) == nullptr);  // the CPU has loops of its own
    support::pretend::with_kernels const kernels;
    check_on(support::pretend::device());
}

TEST_CASE("gpu: heads turn and lie as asked, in each dtype") {
    auto const gpu = choose_device(/*use_cpu=*/false);
    if (!gpu.is_cuda()) {
        WARN("SKIPPED: no NVIDIA GPU on this machine");
        return;
    }
    check_on(gpu);
}
