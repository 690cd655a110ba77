// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/model/layer_of.hpp>

using proximal::lm::layer_of;

TEST_CASE("layer_of: the first number alone between dots; none beside the layers") {
    CHECK(layer_of("gpt_neox.layers.3.attention.dense.weight") == 3u);
    CHECK(layer_of("model.layers.12.mlp.up_proj.weight") == 12u);
    CHECK(layer_of("transformer.h.0.ln_1.bias") == 0u);
    CHECK_FALSE(layer_of("gpt_neox.embed_in.weight"));
    CHECK_FALSE(layer_of("gpt_neox.final_layer_norm.bias"));
    CHECK_FALSE(layer_of("embed_out.weight"));
    CHECK_FALSE(layer_of("layers.3"));  // nothing follows it
    CHECK_FALSE(layer_of("block3.weight"));
}
