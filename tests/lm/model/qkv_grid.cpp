// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/model/qkv_grid.hpp>

using namespace proximal::lm;

TEST_CASE("qkv_grid: the gradient of a fused projection is one tensor, that of three projections is three") {
    attention_shape const shape{2, 1, 4};
    rotary const rotate(4, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble));
    auto const tokens = pack_tokens({{1}, {1, 1}});
    auto const fused = at::randn({3, 16}, at::detail::createCPUGenerator(4), at::kDouble).requires_grad_();
    auto const whole = consecutive_qkv(fused, shape);
    auto const grids = rotated_grids(whole, rotate, tokens);
    REQUIRE(grids.size() == 3);
    CHECK((grids[0].sizes() == at::IntArrayRef{2, 2, 2, 4}));
    CHECK((grids[1].sizes() == at::IntArrayRef{2, 2, 1, 4}));
    CHECK(grids[2][0][1].eq(0.0).all().item<bool>());  // padding
    CHECK(grids[0].grad_fn()->num_outputs() == 1);
    CHECK(rotated_grids({whole.query, whole.key, whole.value}, rotate, tokens)[0].grad_fn()->num_outputs() == 3);

    // A rotation is orthogonal, and the rest is a permutation: the gradient of Σ x² is 2 x.
    (grids[0].square().sum() + grids[1].square().sum() + grids[2].square().sum()).backward();
    CHECK((fused.grad() - 2 * fused).abs().max().item<double>() < 1e-14);
}
