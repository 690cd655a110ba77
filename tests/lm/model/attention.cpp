// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/model/attention.hpp>
#include <string>
#include <vector>

#include "../../support/emulated_launcher.hpp"
#include "../../support/largest_difference.hpp"
#include "../../support/pretend_device.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal::lm;
using support::largest_difference;

namespace {
/// Queries, keys and values with the leaves that they are views of.
struct projections {
    std::vector<at::Tensor> leaves;
    attention_input x;
};

/// The same numbers, laid out as different models lay them out.
projections lay_out(std::string const& order, attention_shape const& shape, std::int64_t count,
                    at::TensorOptions const& options = at::kDouble) {
    auto const generator = at::detail::createCPUGenerator(2);
    auto const draw = [&](std::int64_t heads) {
        return at::randn({count, heads, shape.head_size}, generator, at::kDouble).to(options);
    };
    auto const q = draw(shape.heads), k = draw(shape.kv_heads), v = draw(shape.kv_heads);
    if (order == "[heads, 3, D]") {
        auto const fused = at::stack({q, k, v}, 2).flatten(1).requires_grad_();
        return {{fused}, interleaved_qkv(fused, shape)};
    }
    if (order == "[3, heads, D]") {
        auto const fused = at::cat({q, k, v}, 1).flatten(1).requires_grad_();
        return {{fused}, consecutive_qkv(fused, shape)};
    }
    if (order == "separate") {
        std::vector const leaves{q.flatten(1).requires_grad_(), k.flatten(1).requires_grad_(),
                                 v.flatten(1).requires_grad_()};
        auto const view = [&](at::Tensor const& x) { return x.view({count, -1, shape.head_size}); };
        return {leaves, {view(leaves[0]), view(leaves[1]), view(leaves[2])}};
    }
    // No stride is what a kernel might take for granted: heads first, entries first, within a wider tensor.
    std::vector const leaves{q.transpose(0, 1).contiguous().requires_grad_(),
                             k.transpose(1, 2).contiguous().requires_grad_(),
                             at::cat({at::full_like(v, 1e9), v, at::full_like(v, 1e9)}, 2).requires_grad_()};
    return {
        leaves,
        {leaves[0].transpose(0, 1), leaves[1].transpose(1, 2), leaves[2].narrow(2, shape.head_size, shape.head_size)}};
}

/// softmax(q kᵀ / √D) v with loops over nothing but one row's tokens: attention as the paper writes it.
at::Tensor by_hand(attention_input const& x, attention_shape const& shape, rotary const& rotate,
                   token_batch const& tokens) {
    auto const q = rotate(x.query, tokens.positions), k = rotate(x.key, tokens.positions);
    std::vector<at::Tensor> out;
    for (std::int64_t n = 0; n < tokens.size(); ++n) {
        auto const p = tokens.positions[n].item<std::int64_t>();
        for (std::int64_t h = 0; h < shape.heads; ++h) {
            auto const shared = h / (shape.heads / shape.kv_heads);
            auto const keys = k.select(1, shared).narrow(0, n - p, p + 1),
                       values = x.value.select(1, shared).narrow(0, n - p, p + 1);  // [p + 1, D]
            auto const weights =
                keys.mv(q[n][h]).div(std::sqrt(static_cast<double>(shape.head_size))).softmax(0);  // [p + 1]
            out.push_back(weights.unsqueeze(1).mul(values).sum(0));
        }
    }
    return at::stack(out).view({tokens.size(), -1});
}

using attention = at::Tensor (*)(attention_input const&, attention_shape const&, rotary const&, token_batch const&,
                                 kv_cache*, std::size_t);

/// How far two devices' numbers of a dtype may lie apart: bfloat16 has 8 bits.
double tolerance(at::ScalarType type) { return type == at::kDouble ? 1e-12 : type == at::kFloat ? 1e-5 : 4e-2; }

/// Attention on a device gives what it gives on the CPU in float64, in value and gradient, and with a cache.
void check_on(at::Device device) {
    std::vector<std::vector<std::int64_t>> const batches[] = {{{1, 1, 1}, {1}, {1, 1, 1, 1, 1}}, {{1, 1}, {1, 1}}};
    std::int64_t const turning[] = {0, 4};
    for (auto const type : {at::kDouble, at::kFloat, at::kBFloat16})
        for (auto const& shape : {attention_shape{3, 3, 10}, attention_shape{4, 2, 6}, attention_shape{4, 1, 16}})
            for (auto const& ids : batches)
                for (auto const turned : turning)
                    for (std::string const order : {"[heads, 3, D]", "[3, heads, D]", "separate", "strided"}) {
                        if (order == "[heads, 3, D]" && shape.group() > 1) continue;
                        INFO(at::toString(type) << " " << shape.heads << " of " << shape.kv_heads << ", " << ids.size()
                                                << " rows, turned " << turned << ", " << order);
                        auto const there = at::TensorOptions(device).dtype(type);
                        auto const angles = type == at::kDouble ? at::kDouble : at::kFloat;
                        auto const tokens = pack_tokens(ids);
                        auto const run = [&](projections const& of, token_batch const& where) {
                            rotary const rotate(
                                turned, 100.0, 8, angles,
                                of.x.query.is_cpu() ? at::TensorOptions(at::kDouble) : there.dtype(angles));
                            auto const value = self_attention(of.x, shape, rotate, where, nullptr, 0);
                            auto const weight = at::randn({tokens.size(), shape.heads * shape.head_size},
                                                          at::detail::createCPUGenerator(3), at::kDouble);
                            (value * weight.to(value.options())).sum().backward();
                            std::vector numbers{value.detach().to(at::kDouble).cpu().flatten()};
                            for (auto const& leaf : of.leaves)
                                numbers.push_back(leaf.grad().to(at::kDouble).cpu().flatten());
                            return at::cat(numbers);
                        };
                        auto const here = lay_out(order, shape, tokens.size(), at::TensorOptions(at::kDouble));
                        CHECK(
                            largest_difference(run(lay_out(order, shape, tokens.size(), there), upload(tokens, device)),
                                               run(here, tokens)) < tolerance(type) * 4);
                    }
    at::NoGradGuard const guard;
    for (auto const type : {at::kDouble, at::kFloat, at::kBFloat16})
        for (auto const& shape : {attention_shape{3, 3, 10}, attention_shape{4, 2, 6}, attention_shape{4, 1, 16}}) {
            INFO("with a cache, " << at::toString(type) << " " << shape.heads << " of " << shape.kv_heads);
            auto const there = at::TensorOptions(device).dtype(type);
            auto const angles = type == at::kDouble ? at::kDouble : at::kFloat;
            rotary const rotate(4, 100.0, 8, angles, there.dtype(angles));
            auto const x = lay_out("[3, heads, D]", shape, 10, there).x;
            auto const expected = by_hand(lay_out("[3, heads, D]", shape, 10).x, shape,
                                          rotary(4, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble)),
                                          pack_tokens({{1, 1, 1}, {1, 1}, {1, 1, 1, 1, 1}}));
            auto cache = empty_cache(1, shape, 5, 6, there);
            for (auto* side : {&cache.keys, &cache.values}) side->at(0).fill_(99.0);
            auto const some = [&](at::Tensor const& index) {
                auto const at = index.to(device);
                return attention_input{x.query.index_select(0, at), x.key.index_select(0, at),
                                       x.value.index_select(0, at)};
            };
            auto const near = [&](at::Tensor const& got, at::Tensor const& index) {
                return largest_difference(got.to(at::kDouble).cpu(), expected.index_select(0, index)) < tolerance(type);
            };
            auto const before = at::tensor({0, 1, 3, 5, 6, 7, 8}, at::kLong), last = at::tensor({2, 4, 9}, at::kLong);
            CHECK(near(self_attention(some(before), shape, rotate,
                                      upload(pack_tokens({{1, 1}, {1}, {1, 1, 1, 1}}), device), &cache, 0),
                       before));
            cache.length = 4;
            auto step = pack_tokens({{1}, {1}, {1}});
            step.positions = at::tensor({2, 1, 4}, at::kLong);
            step = upload(step, device);
            step.longest = 5;
            CHECK(near(self_attention(some(last), shape, rotate, step, &cache, 0), last));
        }
}
}  // namespace

TEST_CASE("attention: in kernels on another device, and composed there, it is what it is on the CPU") {
    check_on(support::pretend::device());
    support::pretend::with_kernels const kernels;
    auto const before = kernels.launches();
    check_on(support::pretend::device());
    CHECK(kernels.launches() > before + 500);

    // Where tokens are seen by none there is no kernel, and the numbers are the same.
    attention_shape const shape{4, 2, 6};
    auto const there = at::TensorOptions(support::pretend::device()).dtype(at::kDouble);
    rotary const here(4, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble)), away(4, 100.0, 8, at::kDouble, there);
    auto const tokens =
        pack_tokens(at::ones({1, 4}, at::kLong), at::tensor({1, 1, 0, 1}).view({1, 4}), at::ones({1, 4}, at::kBool));
    CHECK(largest_difference(self_attention(lay_out("separate", shape, 4, there).x, shape, away,
                                            upload(tokens, support::pretend::device()), nullptr, 0)
                                 .cpu(),
                             self_attention(lay_out("separate", shape, 4).x, shape, here, tokens, nullptr, 0)) < 1e-13);
}

TEST_CASE("gpu: attention in kernels is what it is on the CPU, in value and gradient, and with a cache") {
    auto const gpu = proximal::libtorch::choose_device(/*use_cpu=*/false);
    if (!gpu.is_cuda()) {
        WARN("SKIPPED: no NVIDIA GPU on this machine");
        return;
    }
    check_on(gpu);
}

TEST_CASE("attention: fused, composed and by hand agree in value and gradient, however the projections lie") {
    auto const ids = GENERATE(std::vector<std::vector<std::int64_t>>{{1, 1, 1}, {1}, {1, 1, 1, 1, 1}},
                              std::vector<std::vector<std::int64_t>>{{1, 1}, {1, 1}});
    auto const shape = GENERATE(attention_shape{3, 3, 10}, attention_shape{4, 2, 6}, attention_shape{6, 2, 4},
                                attention_shape{4, 1, 6});
    auto const turned = GENERATE(std::int64_t{0}, std::int64_t{4});
    auto const order = GENERATE(as<std::string>(), "[heads, 3, D]", "[3, heads, D]", "separate", "strided");
    if (order == "[heads, 3, D]" && shape.group() > 1) return;
    CAPTURE(ids.size(), shape.heads, shape.kv_heads, turned, order);
    auto const tokens = pack_tokens(ids);
    rotary const rotate(turned, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble));
    auto const [leaves, x] = lay_out(order, shape, tokens.size());
    auto const weight =
        at::randn({tokens.size(), shape.heads * shape.head_size}, at::detail::createCPUGenerator(3), at::kDouble);
    auto const run = [&, &leaves = leaves](at::Tensor const& value) {
        std::vector<at::Tensor> numbers{value.detach().flatten()};
        for (auto const& leaf : leaves) leaf.mutable_grad() = at::Tensor();
        (value * weight).sum().backward({}, /*retain_graph=*/true);
        for (auto const& leaf : leaves) numbers.push_back(leaf.grad().flatten());
        return at::cat(numbers);
    };
    auto const expected = run(by_hand(x, shape, rotate, tokens));
    for (attention const f : {&composed_attention, &fused_attention, &self_attention})
        CHECK(largest_difference(run(f(x, shape, rotate, tokens, nullptr, 0)), expected) < 1e-13);
}

TEST_CASE("attention: a cache filled and extended gives the last token of the whole") {
    at::NoGradGuard const guard;
    attention const f = GENERATE(&fused_attention, &composed_attention);
    auto const shape = GENERATE(attention_shape{3, 3, 10}, attention_shape{4, 2, 6}, attention_shape{4, 1, 6});
    auto const order = GENERATE(as<std::string>(), "[3, heads, D]", "separate", "strided");
    CAPTURE(f == &fused_attention, shape.heads, shape.kv_heads, order);
    rotary const rotate(4, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble));
    auto const whole = pack_tokens({{1, 1, 1}, {1, 1}, {1, 1, 1, 1, 1}});
    auto const x = lay_out(order, shape, 10).x;
    auto const expected = by_hand(x, shape, rotate, whole);
    auto cache = empty_cache(1, shape, 3, 6, at::TensorOptions(at::kDouble));
    for (auto* side : {&cache.keys, &cache.values}) side->at(0).fill_(99.0);  // what was never written is never read
    auto const some = [&](at::Tensor const& index) {  // of strides that are not a whole tensor's
        auto const pick = [&](at::Tensor const& part) {
            return part.index_select(0, index).transpose(1, 2).contiguous().transpose(1, 2);
        };
        return order == "strided" ? attention_input{pick(x.query), pick(x.key), pick(x.value)}
                                  : attention_input{x.query.index_select(0, index), x.key.index_select(0, index),
                                                    x.value.index_select(0, index)};
    };
    auto const before = at::tensor({0, 1, 3, 5, 6, 7, 8}, at::kLong), last = at::tensor({2, 4, 9}, at::kLong);
    auto const filled = f(some(before), shape, rotate, pack_tokens({{1, 1}, {1}, {1, 1, 1, 1}}), &cache, 0);
    CHECK(largest_difference(filled, expected.index_select(0, before)) < 1e-13);
    cache.length = 4;
    token_batch step = pack_tokens({{1}, {1}, {1}});
    step.positions = at::tensor({2, 1, 4}, at::kLong);
    step.longest = 5;
    CHECK(largest_difference(f(some(last), shape, rotate, step, &cache, 0), expected.index_select(0, last)) < 1e-13);
}

TEST_CASE("attention: tokens that none sees read the keys of their group") {
    attention_shape const shape{4, 2, 6};
    rotary const rotate(4, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble));
    auto const asked = at::ones({1, 4}, at::kBool), mask = at::tensor({1, 1, 0, 1}).view({1, 4});
    auto const tokens = pack_tokens(at::ones({1, 4}, at::kLong), mask, asked), real = pack_tokens({{1, 1, 1}});
    auto const whole = lay_out("separate", shape, 4).x;
    auto const kept = at::tensor({0, 1, 3}, at::kLong);
    attention_input const without{whole.query.index_select(0, kept), whole.key.index_select(0, kept),
                                  whole.value.index_select(0, kept)};
    CHECK(largest_difference(self_attention(whole, shape, rotate, tokens, nullptr, 0).index_select(0, kept),
                             by_hand(without, shape, rotate, real)) < 1e-13);
}

TEST_CASE("attention: projections that have not the shape are refused") {
    attention_shape const shape{4, 2, 6};
    rotary const rotate(4, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble));
    auto const tokens = pack_tokens({{1, 1, 1}});
    auto const x = lay_out("separate", shape, 3).x;
    CHECK_THROWS_WITH(self_attention({x.query, x.query, x.value}, shape, rotate, tokens, nullptr, 0),
                      Catch::Contains("keys and values [N, kv_heads, D]"));
    CHECK_THROWS_WITH(self_attention(x, shape, rotate, pack_tokens({{1, 1}}), nullptr, 0),
                      Catch::Contains("one per token"));
}
