// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <proximal/lm/model/autocast_scope.hpp>
#include <stdexcept>

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal::lm;

TEST_CASE("autocast_scope: scopes nest, switch off inside on, and leave all as it was, after an exception too") {
    auto const product = [] { return at::ones({2, 2}).mm(at::ones({2, 2})).scalar_type(); };
    bool const kept = at::autocast::is_autocast_cache_enabled();
    auto const dtype = at::autocast::get_autocast_dtype(at::kCPU);
    CHECK_FALSE(autocast_dtype(at::kCPU).has_value());
    try {
        autocast_scope const outer(at::kCPU, at::kBFloat16, /*keeps_casts=*/true);
        CHECK(product() == at::kBFloat16);
        {
            autocast_scope const inner(at::kCPU, at::kHalf);
            CHECK(autocast_dtype(at::kCPU) == at::kHalf);
            CHECK_FALSE(at::autocast::is_autocast_cache_enabled());
            autocast_scope const off(at::kCPU, {});
            CHECK_FALSE(autocast_dtype(at::kCPU).has_value());
            CHECK(product() == at::kFloat);
        }
        CHECK(autocast_dtype(at::kCPU) == at::kBFloat16);
        CHECK(at::autocast::is_autocast_cache_enabled());
        throw std::runtime_error("in the middle");
    } catch (std::runtime_error const&) {}
    CHECK_FALSE(autocast_dtype(at::kCPU).has_value());
    CHECK(product() == at::kFloat);
    CHECK(at::autocast::is_autocast_cache_enabled() == kept);
    CHECK(at::autocast::get_autocast_dtype(at::kCPU) == dtype);
}

TEST_CASE("autocast_scope: a device of which LibTorch knows no autocast is left alone") {
    autocast_scope const scope(at::kMeta, at::kBFloat16);
    CHECK_FALSE(autocast_dtype(at::kMeta).has_value());
}
