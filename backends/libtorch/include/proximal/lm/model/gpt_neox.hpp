// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <proximal/lm/model/activation.hpp>
#include <proximal/lm/model/attention.hpp>
#include <proximal/lm/model/backbone.hpp>
#include <proximal/lm/model/gpt_neox_config.hpp>
#include <proximal/lm/model/layer_norm.hpp>
#include <proximal/lm/model/linear.hpp>
#include <proximal/lm/model/rotary.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// GPT-NeoX, the architecture of Pythia: pre-norm, partial rotary embedding, attention and MLP side by side or in turn.
///
///     parallel:    x ← x + attention(norm₁ x) + mlp(norm₂ x)
///     sequential:  x ← x + attention(norm₁ x);  x ← x + mlp(norm₂ x)
///
/// Source: Black et al., GPT-NeoX-20B (2022), arXiv 2204.06745; parameter names and layout are Hugging Face's
/// (query_key_value is [heads, 3, D] in its rows).
class gpt_neox final : public backbone {
   public:
    /// The rotary tables are computed in `rotary_precision`: by default float64 for a float64 model, else float32.
    gpt_neox(gpt_neox_config config, parameter_source const& source,
             std::optional<at::ScalarType> rotary_precision = {})
        : config_(std::move(config)),
          rotary_precision_(rotary_precision),
          shape_{config_.num_attention_heads, config_.num_attention_heads, config_.head_size()},
          activation_(config_.hidden_act) {
        parameter_source const record = [&](std::string const& name, std::vector<std::int64_t> const& shape,
                                            parameter_kind kind) {
            parameters_.push_back({"gpt_neox." + name, kind, source("gpt_neox." + name, shape, kind)});
            return parameters_.back().tensor;
        };
        embed_in_ = record("embed_in.weight", {config_.vocab_size, config_.hidden_size}, parameter_kind::embedding);
        for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i)
            layers_.emplace_back(config_, record, "layers." + std::to_string(i) + ".");
        final_layer_norm_.emplace(record, "final_layer_norm", config_.hidden_size, config_.layer_norm_eps);
        auto const precision =
            rotary_precision.value_or(embed_in_.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
        rotary_ = rotary(config_.rotary_dimensions(), config_.rotary_emb_base, config_.max_position_embeddings,
                         precision, options());
    }

    at::Tensor embed(token_batch const& tokens) const override { return at::embedding(embed_in_, tokens.ids); }
    std::size_t layer_count() const override { return layers_.size(); }
    at::Tensor run_layer(std::size_t index, at::Tensor const& x, token_batch const& tokens,
                         kv_cache* cache) const override {
        return layers_.at(index).forward(x, *this, tokens, cache, index);
    }
    at::Tensor finish(at::Tensor const& x) const override { return (*final_layer_norm_)(x); }

    std::vector<named_tensor> const& parameters() const override { return parameters_; }
    std::int64_t hidden_size() const override { return config_.hidden_size; }
    std::int64_t vocabulary_size() const override { return config_.vocab_size; }
    std::int64_t max_positions() const override { return config_.max_position_embeddings; }
    at::Tensor token_embedding() const override { return embed_in_; }

    kv_cache make_cache(std::int64_t row_count, std::int64_t capacity) const override {
        return empty_cache(layers_.size(), shape_, row_count, capacity, options());
    }
    std::shared_ptr<backbone> rebuild(parameter_source const& source) const override {
        return std::make_shared<gpt_neox>(config_, source, rotary_precision_);
    }

   private:
    struct layer {
        layer_norm input_layernorm, post_attention_layernorm;
        linear query_key_value, dense, dense_h_to_4h, dense_4h_to_h;

        layer(gpt_neox_config const& c, parameter_source const& source, std::string const& name)
            : input_layernorm(source, name + "input_layernorm", c.hidden_size, c.layer_norm_eps),
              post_attention_layernorm(source, name + "post_attention_layernorm", c.hidden_size, c.layer_norm_eps),
              query_key_value(source, name + "attention.query_key_value", c.hidden_size, 3 * c.hidden_size,
                              c.attention_bias),
              dense(source, name + "attention.dense", c.hidden_size, c.hidden_size, c.attention_bias),
              dense_h_to_4h(source, name + "mlp.dense_h_to_4h", c.hidden_size, c.intermediate_size, true),
              dense_4h_to_h(source, name + "mlp.dense_4h_to_h", c.intermediate_size, c.hidden_size, true) {}

        at::Tensor forward(at::Tensor const& x, gpt_neox const& model, token_batch const& tokens, kv_cache* cache,
                           std::size_t i) const {
            auto const& c = model.config_;
            auto const mlp = [&](at::Tensor const& y) {
                return dense_4h_to_h(model.activation_(dense_h_to_4h(post_attention_layernorm(y))));
            };
            auto const qkv = interleaved_qkv(query_key_value(input_layernorm(x)), model.shape_);
            auto const attention = dense(self_attention(qkv, model.shape_, model.rotary_, tokens, cache, i));
            if (c.use_parallel_residual) return mlp(x) + attention + x;
            auto const middle = attention + x;
            return mlp(middle) + middle;
        }
    };

    gpt_neox_config config_;
    std::optional<at::ScalarType> rotary_precision_;
    attention_shape shape_;
    activation activation_;
    std::vector<named_tensor> parameters_;
    at::Tensor embed_in_;
    std::vector<layer> layers_;
    std::optional<layer_norm> final_layer_norm_;
    rotary rotary_;
};

}  // namespace proximal::lm
